"""All pages that test_every_page.py opens. Add a line for every new page."""

from dataclasses import dataclass

from chalicelib.domain.purchases import Status

SIGNED_OUT = None


@dataclass(frozen=True, slots=True)
class PageCase:
    """A page to test, and the demo account to open it with.

    Attributes:
        path: The path, which can contain names of demo data, such as {tenant}.
        account: A demo account, or None to open the page signed out.
        expand_details: Whether to open all <details> elements first.
    """

    name: str
    path: str
    account: str | None
    status: int = 200
    expand_details: bool = False


RESELLER_PAGES = [
    PageCase("overview", "/reseller", "busy"),
    PageCase("overview-new", "/reseller", "new"),
    PageCase("overview-full", "/reseller", "full"),
    PageCase("overview-over", "/reseller", "over"),
    PageCase("licenses", "/reseller/licenses?quantity=9", "busy"),
    PageCase("licenses-new", "/reseller/licenses", "new"),
    PageCase("licenses-wrong", "/reseller/licenses?quantity=0", "new", 422),
    *(
        PageCase(f"purchase-{status}", f"/reseller/purchases/{{purchase_{status}}}", "busy")
        for status in Status
    ),
    PageCase("tenants", "/reseller/tenants", "busy"),
    PageCase("tenants-new", "/reseller/tenants", "new"),
    PageCase("tenants-full", "/reseller/tenants", "full"),
    PageCase("tenants-search", "/reseller/tenants?q=harbour", "full"),
    PageCase("tenants-none", "/reseller/tenants?q=zzz", "busy"),
    PageCase("tenants-create", "/reseller/tenants?create=1", "busy"),
    PageCase("tenants-deleted", "/reseller/tenants?status=deleted", "busy"),
    PageCase("tenant", "/reseller/tenants/{tenant}", "busy"),
    PageCase("tenant-off", "/reseller/tenants/{tenant_off}", "busy"),
    PageCase("tenant-long", "/reseller/tenants/{tenant_long}", "busy"),
    PageCase("tenant-deleted", "/reseller/tenants/{tenant_deleted}", "busy"),
    PageCase("tenant-taken", "/reseller/tenants/{tenant_taken}", "busy"),
    PageCase("branding", "/reseller/branding", "branded"),
    PageCase("branding-new", "/reseller/branding", "new"),
    PageCase("branding-tenant", "/reseller/tenants/{branded_tenant}/branding", "branded"),
    PageCase("domain-remove", "/reseller/branding/domains/{domain}/remove", "branded"),
    PageCase("statement", "/reseller/statement?from=2020-01-01&to=2099-12-31", "busy"),
    PageCase("statement-new", "/reseller/statement", "new"),
    PageCase("settings", "/reseller/settings", "branded"),
    PageCase("settings-new", "/reseller/settings", "new"),
    PageCase("key-revoke", "/reseller/settings/api-keys/{api_key}/revoke", "branded"),
    PageCase("tenant-delete", "/reseller/tenants/{tenant}/delete", "busy"),
]

ADMIN_PAGES = [
    PageCase("admin", "/admin", "admin"),
    PageCase("admin-users", "/admin/users", "admin"),
    PageCase("admin-users-none", "/admin/users?q=zzz", "admin"),
    PageCase("admin-users-create", "/admin/users?create=1", "admin"),
    PageCase("admin-user", "/admin/users/{user}", "admin"),
    PageCase("admin-resellers", "/admin/resellers", "admin"),
    PageCase("admin-resellers-over", "/admin/resellers?status=over", "admin"),
    PageCase("admin-resellers-none", "/admin/resellers?q=zzz", "admin"),
    PageCase("admin-resellers-create", "/admin/resellers?create=1", "admin"),
    PageCase("admin-reseller", "/admin/resellers/{busy}", "admin"),
    PageCase("admin-reseller-edit", "/admin/resellers/{busy}?edit=1", "admin"),
    PageCase("admin-reseller-unfolded", "/admin/resellers/{over}", "admin", expand_details=True),
    PageCase("admin-reseller-new", "/admin/resellers/{new}", "admin"),
    PageCase("admin-reseller-full", "/admin/resellers/{full}", "admin"),
    PageCase("admin-reseller-compared", "/admin/resellers/{drifted}?compare=1", "admin"),
    PageCase("admin-statement", "/admin/resellers/{busy}/statement?from=2020-01-01", "admin"),
    PageCase("admin-reseller-branding", "/admin/resellers/{branded}/branding", "admin"),
    PageCase(
        "admin-tenant-branding",
        "/admin/resellers/{branded}/tenants/{branded_tenant}/branding",
        "admin",
    ),
    PageCase(
        "admin-domain-remove",
        "/admin/resellers/{branded}/branding/domains/{domain}/remove",
        "admin",
    ),
    PageCase("admin-tenants", "/admin/resellers/{busy}/tenants", "admin"),
    PageCase("admin-tenants-new", "/admin/resellers/{new}/tenants", "admin"),
    PageCase("admin-tenants-full", "/admin/resellers/{full}/tenants", "admin"),
    PageCase("admin-tenant", "/admin/resellers/{busy}/tenants/{tenant}", "admin"),
    PageCase("admin-tenant-off", "/admin/resellers/{busy}/tenants/{tenant_off}", "admin"),
    PageCase("admin-tenant-long", "/admin/resellers/{busy}/tenants/{tenant_long}", "admin"),
    PageCase("admin-tenant-deleted", "/admin/resellers/{busy}/tenants/{tenant_deleted}", "admin"),
    PageCase("admin-tenant-delete", "/admin/resellers/{busy}/tenants/{tenant}/delete", "admin"),
    PageCase("admin-purchases", "/admin/purchases", "admin"),
    PageCase("admin-purchases-none", "/admin/purchases?q=zzz", "admin"),
    PageCase("admin-purchases-of", "/admin/purchases?reseller={busy}&status=paid", "admin"),
    *(
        PageCase(f"admin-purchase-{status}", f"/admin/purchases/{{purchase_{status}}}", "admin")
        for status in ("paid", "partially_refunded", "quarantined", "pending")
    ),
    PageCase(
        "admin-refund",
        "/admin/purchases/{purchase_paid}/refund?licenses=9&reason=Ordered+too+many",
        "admin",
    ),
    PageCase("admin-purchase-under-way", "/admin/purchases/{purchase_under_way}", "admin"),
    PageCase("admin-refund-under-way", "/admin/purchases/{purchase_under_way}/refund", "admin"),
    PageCase(
        "admin-refund-wrong",
        "/admin/purchases/{purchase_pending}/refund?licenses=1&reason=x",
        "admin",
        422,
    ),
    PageCase("admin-reconciliation", "/admin/reconciliation", "admin"),
    PageCase("admin-report", "/admin/reconciliation/{report}", "admin"),
    PageCase(
        "admin-report-unfolded", "/admin/reconciliation/{report_many}", "admin", expand_details=True
    ),
    PageCase("admin-report-many", "/admin/reconciliation/{report_many}", "admin"),
    PageCase("admin-report-kind", "/admin/reconciliation/{report}?kind=missing_claim", "admin"),
    PageCase("admin-report-clean", "/admin/reconciliation/{report_clean}", "admin"),
    PageCase("admin-settings", "/admin/settings", "admin"),
    PageCase("admin-branding", "/admin/settings/branding", "admin"),
    PageCase("admin-audit", "/admin/audit", "admin"),
    PageCase("admin-audit-none", "/admin/audit?q=zzz", "admin"),
    PageCase("admin-missing", "/admin/resellers/rsl_missing", "admin", 404),
]

ACCOUNT_PAGES = [
    PageCase("login", "/login", SIGNED_OUT),
    PageCase("login-branded", "/login?reseller=northwind-desk", SIGNED_OUT),
    PageCase("login-branded-dark", "/login?reseller=northwind-desk&tenant=night-owl", SIGNED_OUT),
    PageCase("password", "/password", SIGNED_OUT),
    PageCase("password-sent", "/password?sent=1", SIGNED_OUT),
    PageCase("password-link", "/password?token={password_link}", SIGNED_OUT),
    PageCase("password-dead", "/password?token=pwl_no.no", SIGNED_OUT),
    PageCase("account", "/account", "admin"),
    PageCase("account-key-revoke", "/account/api-keys/{admin_key}/revoke", "admin"),
    PageCase("docs", "/docs", SIGNED_OUT),
    PageCase("docs-objects", "/docs/objects", SIGNED_OUT),
    PageCase("missing", "/reseller/tenants/tnt_missing", "busy", 404),
]

PAGES = [*ACCOUNT_PAGES, *RESELLER_PAGES, *ADMIN_PAGES]
