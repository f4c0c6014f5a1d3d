"""What Tenantry does: one package per capability. Public functions are verbs."""
