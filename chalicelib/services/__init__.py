"""Tenantry's use cases, one package per capability. Public functions are verbs."""
