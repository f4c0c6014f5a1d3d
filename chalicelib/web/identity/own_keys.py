"""The API keys section on a reseller's settings page and an admin's account page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chalice.app import Response

from chalicelib.api.api_keys import NewApiKey
from chalicelib.api.declarations import Audience
from chalicelib.domain.scopes import KEY_SCOPES, Scope
from chalicelib.errors import TenantryError
from chalicelib.services.core.idempotency import IdempotentRequest
from chalicelib.services.identity import api_keys
from chalicelib.services.identity.api_keys import NewKey, Owner
from chalicelib.storage.credentials import Credential
from chalicelib.storage.reads import Pagination
from chalicelib.web.shell.confirmation import Confirmation, show_confirmation
from chalicelib.web.shell.menu import MenuEntry
from chalicelib.web.shell.rendering import View
from chalicelib.web.shell.routing import Form, FormFields, PageContext, Pages

MOST_KEYS = 100
# Each scope of a key, with a label and a description.
SCOPE_WORDS: dict[str, tuple[str, str]] = {
    Scope.READ: ("Read", "Licenses, tenants, purchases, the ledger."),
    Scope.TENANTS: ("Manage tenants", "Create, change, deactivate, delete and restore them."),
    Scope.PURCHASES: ("Buy licenses", "Start checkouts."),
    Scope.BRANDING: ("Brand", "Change looks and custom domains."),
    Scope.ADMIN: ("Administer", "Resellers, allocations, refunds, reconciliation, settings."),
}
ADMIN_SCOPES = KEY_SCOPES
RESELLER_SCOPES = tuple(scope for scope in KEY_SCOPES if scope is not Scope.ADMIN)
NEW_KEY = FormFields(NewApiKey, id="key")

# The template context for a page without the section.
NO_KEYS: View = {
    "scope_options": (),
    "new_key": None,
    "api_keys": (),
    "key_form": NEW_KEY,
}


@dataclass(frozen=True, slots=True)
class ApiKeySection:
    """Where an API keys section appears, and whose keys it lists.

    Attributes:
        base: The path of the page.
        nav: The page's menu entry.
        owner: Returns the owner of the keys for a request.
        show: Renders the page.
    """

    base: str
    nav: MenuEntry
    audience: Audience
    owner: Callable[[PageContext], Owner]
    scopes: Sequence[Scope]
    show: Callable[..., Response]


def api_keys_context(base: str, owner: Owner, scopes: Sequence[Scope]) -> View:
    """Return the template context for the API keys section."""
    return {
        "api_keys": [_key_view(base, key) for key in _keys(owner)],
        "scope_options": [(scope, *SCOPE_WORDS[scope]) for scope in scopes],
        "new_key": None,
        "key_form": NEW_KEY,
    }


def _keys(owner: Owner) -> list[Credential]:
    return api_keys.list_keys(owner, Pagination(MOST_KEYS)).rows


def _key_view(base: str, key: Credential) -> View:
    return {
        "id": key.id,
        "name": key.name,
        "hint": f"{key.id[:7]}…{key.id[-6:]}",
        "scopes": [SCOPE_WORDS.get(scope, (scope, ""))[0] for scope in key.scopes or ()],
        "last_used_at": key.used_at,
        "expires_at": key.expires_at,
        "revocation": _revocation(base, key),
    }


def _revocation(base: str, key: Credential) -> Confirmation:
    return Confirmation(
        f"Revoke {key.name}?",
        "Whatever uses this key stops working at once. It can't be undone.",
        f"{base}/api-keys/{key.id}/revoke",
        "Revoke key",
    )


def add_api_key_pages(pages: Pages, section: ApiKeySection) -> None:
    """Declare the section's actions, under the path of its page."""
    keys_path, anchor = f"{section.base}/api-keys", f"{section.base}#api-keys"

    @pages.form(f"{section.base}?action=create-key", audience=section.audience, fields=NEW_KEY)
    def create_key(page: PageContext, form: Form[NewApiKey]) -> Response:
        """Create a key and show it in the response, since a redirect can't carry a secret.

        If the form is sent again, the same key is shown.
        """

        def act(once: IdempotentRequest) -> NewKey:
            new = form.read()
            return api_keys.create_key(
                section.owner(page),
                name=new.name,
                scopes=new.scopes,
                expires_at=new.expires_at,
                by=page.by,
                once=once,
            )

        try:
            key = page.create_secret_once(form, act)
        except TenantryError as error:
            return page.rerender_form(error, section.show, form)
        return section.show(page, new_key={"key": key})

    @pages.page("GET", keys_path + "/{id}/revoke", audience=section.audience)
    def confirm_revoke(page: PageContext) -> Response:
        """Ask for confirmation. Used only without JavaScript; with it, a dialog opens instead."""
        key = api_keys.read_key(section.owner(page), page.path["id"])
        revocation = _revocation(section.base, key)
        return show_confirmation(page, revocation, nav=section.nav, cancel=anchor)

    @pages.page("POST", keys_path + "/{id}/revoke", audience=section.audience)
    def revoke_key(page: PageContext) -> Response:
        page.on_current(
            lambda: api_keys.read_key(section.owner(page), page.path["id"]),
            lambda key: api_keys.revoke_key(key, by=page.by),
        )
        return page.redirect(anchor, flash="The key is revoked.")
