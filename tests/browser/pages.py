"""Every page there is to look at. A new page joins by a line in this list."""

from dataclasses import dataclass

from chalicelib.domain.purchases import Status

NOBODY = None


@dataclass(frozen=True, slots=True)
class LookedAt:
    """path: may name what the town knows, such as {tenant}. who: a person of the town."""

    name: str
    path: str
    who: str | None
    status: int = 200


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
    LookedAt("branding", "/reseller/branding", "branded"),
    LookedAt("branding-new", "/reseller/branding", "new"),
    LookedAt("branding-tenant", "/reseller/tenants/{branded_tenant}/branding", "branded"),
    LookedAt("domain-remove", "/reseller/branding/domains/{domain}/remove", "branded"),
    LookedAt("settings", "/reseller/settings", "branded"),
    LookedAt("settings-new", "/reseller/settings", "new"),
    LookedAt("key-revoke", "/reseller/settings/api-keys/{api_key}/revoke", "branded"),
    LookedAt("tenant-delete", "/reseller/tenants/{tenant}/delete", "busy"),
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
    LookedAt("docs", "/docs", NOBODY),
    LookedAt("docs-objects", "/docs/objects", NOBODY),
    LookedAt("missing", "/reseller/tenants/tnt_missing", "busy", 404),
]

PAGES = [*ACCOUNT_PAGES, *RESELLER_PAGES]
