"""Every page there is to look at. A new page joins by a line in this list."""

from dataclasses import dataclass

from chalicelib.domain.purchases import Status

NOBODY = None


@dataclass(frozen=True, slots=True)
class LookedAt:
    """path: may name what the town knows, such as {tenant}. who: a person of the town.
    unfolded: whether all that is folded away is opened before it is looked at."""

    name: str
    path: str
    who: str | None
    status: int = 200
    unfolded: bool = False


RESELLER_PAGES = [
    LookedAt("overview", "/reseller", "busy"),
    LookedAt("overview-new", "/reseller", "new"),
    LookedAt("overview-full", "/reseller", "full"),
    LookedAt("overview-over", "/reseller", "over"),
    LookedAt("licenses", "/reseller/licenses?quantity=9", "busy"),
    LookedAt("licenses-new", "/reseller/licenses", "new"),
    LookedAt("licenses-wrong", "/reseller/licenses?quantity=0", "new", 422),
    *(
        LookedAt(f"purchase-{status}", f"/reseller/purchases/{{purchase_{status}}}", "busy")
        for status in Status
    ),
    LookedAt("tenants", "/reseller/tenants", "busy"),
    LookedAt("tenants-new", "/reseller/tenants", "new"),
    LookedAt("tenants-full", "/reseller/tenants", "full"),
    LookedAt("tenants-search", "/reseller/tenants?q=harbour", "full"),
    LookedAt("tenants-none", "/reseller/tenants?q=zzz", "busy"),
    LookedAt("tenants-create", "/reseller/tenants?create=1", "busy"),
    LookedAt("tenants-deleted", "/reseller/tenants?status=deleted", "busy"),
    LookedAt("tenant", "/reseller/tenants/{tenant}", "busy"),
    LookedAt("tenant-off", "/reseller/tenants/{tenant_off}", "busy"),
    LookedAt("tenant-long", "/reseller/tenants/{tenant_long}", "busy"),
    LookedAt("tenant-deleted", "/reseller/tenants/{tenant_deleted}", "busy"),
    LookedAt("tenant-taken", "/reseller/tenants/{tenant_taken}", "busy"),
    LookedAt("branding", "/reseller/branding", "branded"),
    LookedAt("branding-new", "/reseller/branding", "new"),
    LookedAt("branding-tenant", "/reseller/tenants/{branded_tenant}/branding", "branded"),
    LookedAt("domain-remove", "/reseller/branding/domains/{domain}/remove", "branded"),
    LookedAt("statement", "/reseller/statement?from=2020-01-01&to=2099-12-31", "busy"),
    LookedAt("statement-new", "/reseller/statement", "new"),
    LookedAt("settings", "/reseller/settings", "branded"),
    LookedAt("settings-new", "/reseller/settings", "new"),
    LookedAt("key-revoke", "/reseller/settings/api-keys/{api_key}/revoke", "branded"),
    LookedAt("tenant-delete", "/reseller/tenants/{tenant}/delete", "busy"),
]

ADMIN_PAGES = [
    LookedAt("admin", "/admin", "admin"),
    LookedAt("admin-users", "/admin/users", "admin"),
    LookedAt("admin-users-none", "/admin/users?q=zzz", "admin"),
    LookedAt("admin-users-create", "/admin/users?create=1", "admin"),
    LookedAt("admin-user", "/admin/users/{user}", "admin"),
    LookedAt("admin-resellers", "/admin/resellers", "admin"),
    LookedAt("admin-resellers-over", "/admin/resellers?status=over", "admin"),
    LookedAt("admin-resellers-none", "/admin/resellers?q=zzz", "admin"),
    LookedAt("admin-resellers-create", "/admin/resellers?create=1", "admin"),
    LookedAt("admin-reseller", "/admin/resellers/{busy}", "admin"),
    LookedAt("admin-reseller-edit", "/admin/resellers/{busy}?edit=1", "admin"),
    LookedAt("admin-reseller-unfolded", "/admin/resellers/{over}", "admin", unfolded=True),
    LookedAt("admin-reseller-new", "/admin/resellers/{new}", "admin"),
    LookedAt("admin-reseller-full", "/admin/resellers/{full}", "admin"),
    LookedAt("admin-reseller-compared", "/admin/resellers/{drifted}?compare=1", "admin"),
    LookedAt("admin-statement", "/admin/resellers/{busy}/statement?from=2020-01-01", "admin"),
    LookedAt("admin-reseller-branding", "/admin/resellers/{branded}/branding", "admin"),
    LookedAt(
        "admin-tenant-branding",
        "/admin/resellers/{branded}/tenants/{branded_tenant}/branding",
        "admin",
    ),
    LookedAt(
        "admin-domain-remove",
        "/admin/resellers/{branded}/branding/domains/{domain}/remove",
        "admin",
    ),
    LookedAt("admin-tenants", "/admin/resellers/{busy}/tenants", "admin"),
    LookedAt("admin-tenants-new", "/admin/resellers/{new}/tenants", "admin"),
    LookedAt("admin-tenants-full", "/admin/resellers/{full}/tenants", "admin"),
    LookedAt("admin-tenant", "/admin/resellers/{busy}/tenants/{tenant}", "admin"),
    LookedAt("admin-tenant-off", "/admin/resellers/{busy}/tenants/{tenant_off}", "admin"),
    LookedAt("admin-tenant-long", "/admin/resellers/{busy}/tenants/{tenant_long}", "admin"),
    LookedAt("admin-tenant-deleted", "/admin/resellers/{busy}/tenants/{tenant_deleted}", "admin"),
    LookedAt("admin-tenant-delete", "/admin/resellers/{busy}/tenants/{tenant}/delete", "admin"),
    LookedAt("admin-purchases", "/admin/purchases", "admin"),
    LookedAt("admin-purchases-none", "/admin/purchases?q=zzz", "admin"),
    LookedAt("admin-purchases-of", "/admin/purchases?reseller={busy}&status=paid", "admin"),
    *(
        LookedAt(f"admin-purchase-{status}", f"/admin/purchases/{{purchase_{status}}}", "admin")
        for status in ("paid", "partially_refunded", "quarantined", "pending")
    ),
    LookedAt(
        "admin-refund",
        "/admin/purchases/{purchase_paid}/refund?licenses=9&reason=Ordered+too+many",
        "admin",
    ),
    LookedAt("admin-purchase-under-way", "/admin/purchases/{purchase_under_way}", "admin"),
    LookedAt("admin-refund-under-way", "/admin/purchases/{purchase_under_way}/refund", "admin"),
    LookedAt(
        "admin-refund-wrong",
        "/admin/purchases/{purchase_pending}/refund?licenses=1&reason=x",
        "admin",
        422,
    ),
    LookedAt("admin-reconciliation", "/admin/reconciliation", "admin"),
    LookedAt("admin-report", "/admin/reconciliation/{report}", "admin"),
    LookedAt(
        "admin-report-unfolded", "/admin/reconciliation/{report_many}", "admin", unfolded=True
    ),
    LookedAt("admin-report-many", "/admin/reconciliation/{report_many}", "admin"),
    LookedAt("admin-report-kind", "/admin/reconciliation/{report}?kind=missing_claim", "admin"),
    LookedAt("admin-report-clean", "/admin/reconciliation/{report_clean}", "admin"),
    LookedAt("admin-settings", "/admin/settings", "admin"),
    LookedAt("admin-branding", "/admin/settings/branding", "admin"),
    LookedAt("admin-audit", "/admin/audit", "admin"),
    LookedAt("admin-audit-none", "/admin/audit?q=zzz", "admin"),
    LookedAt("admin-missing", "/admin/resellers/rsl_missing", "admin", 404),
]

ACCOUNT_PAGES = [
    LookedAt("login", "/login", NOBODY),
    LookedAt("login-branded", "/login?reseller=northwind-desk", NOBODY),
    LookedAt("login-branded-dark", "/login?reseller=northwind-desk&tenant=night-owl", NOBODY),
    LookedAt("password", "/password", NOBODY),
    LookedAt("password-sent", "/password?sent=1", NOBODY),
    LookedAt("password-link", "/password?token={password_link}", NOBODY),
    LookedAt("password-dead", "/password?token=pwl_no.no", NOBODY),
    LookedAt("account", "/account", "admin"),
    LookedAt("account-key-revoke", "/account/api-keys/{admin_key}/revoke", "admin"),
    LookedAt("docs", "/docs", NOBODY),
    LookedAt("docs-objects", "/docs/objects", NOBODY),
    LookedAt("missing", "/reseller/tenants/tnt_missing", "busy", 404),
]

PAGES = [*ACCOUNT_PAGES, *RESELLER_PAGES, *ADMIN_PAGES]
