"""API keys on a page: a reseller's among its settings, an admin's among their account."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from chalice.app import Response

from chalicelib.api.api_keys import NewApiKey
from chalicelib.api.declarations import Audience
from chalicelib.errors import InvalidRequest, TenantryError
from chalicelib.services.core.idempotency import IdempotentRequest
from chalicelib.services.identity import api_keys
from chalicelib.services.identity.api_keys import NewKey, Owner
from chalicelib.storage.credentials import Credential
from chalicelib.storage.reads import Pagination
from chalicelib.web.shell.routing import PageContext, Pages

Scopes = Sequence[tuple[str, str, str]]

MOST_KEYS = 100
# The scope, what it is called, and what it allows.
SCOPES: Scopes = (
    ("read", "Read", "Licenses, tenants, purchases, the ledger."),
    ("tenants", "Manage tenants", "Create, change, deactivate, delete and restore them."),
    ("purchases", "Buy licenses", "Start checkouts."),
    ("branding", "Brand", "Change looks and custom domains."),
)
ADMIN_SCOPES: Scopes = (
    *SCOPES,
    ("admin", "Administer", "Resellers, allocations, refunds, reconciliation, settings."),
)


@dataclass(frozen=True, slots=True)
class ApiKeySection:
    """owner: whose keys a visitor sees. base: the page that they are on, and show: what renders
    it. nav: its entry in the menu."""

    base: str
    nav: str
    audience: Audience
    owner: Callable[[PageContext], Owner]
    scopes: Scopes
    show: Callable[..., Response]


def api_keys_context(owner: Owner, scopes: Scopes) -> dict[str, Any]:
    """What the section of the keys is made of."""
    return {
        "api_keys": [_shown(key, {s: words for s, words, _ in scopes}) for key in _keys(owner)],
        "scope_options": scopes,
    }


def _keys(owner: Owner) -> list[Credential]:
    return api_keys.list_keys(owner, Pagination(MOST_KEYS)).rows


def _shown(key: Credential, words: dict[str, str]) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "hint": f"{key.id[:7]}…{key.id[-6:]}",
        "scopes": [words.get(scope, scope) for scope in words if scope in key.scopes],
        "last_used_at": key.used_at,
        "expires_at": key.expires_at,
    }


def add_api_key_pages(pages: Pages, ring: ApiKeySection) -> None:
    """The deeds of a page with this section, below the page's path."""
    keys, section = f"{ring.base}/api-keys", f"{ring.base}#api-keys"

    def create_key(page: PageContext) -> Response:
        """Shown at once, on the page that answers: no redirect could carry a secret. Reloading
        it shows the same key again."""
        form = page.form()

        def act(once: IdempotentRequest) -> NewKey:
            expires_at = _end_of(form.get("expires_at"))
            new = form.read(NewApiKey, scopes=form.get_all("scopes"), expires_at=expires_at)
            return api_keys.create_key(
                ring.owner(page),
                name=new.name,
                scopes=new.scopes,
                expires_at=new.expires_at,
                by=page.by,
                once=once,
            )

        try:
            key = page.create_secret_once(form, act)
        except TenantryError as error:
            return page.rerender_form(
                error, ring.show, form, repeated_fields=("scopes",), form_id="key"
            )
        return ring.show(page, new_key={"key": key})

    def back_to_keys(page: PageContext) -> Response:
        return page.redirect(section)

    def confirm_revoke(page: PageContext) -> Response:
        """The question, for anyone without a script."""
        key = api_keys.read_key(ring.owner(page), page.path["id"])
        return page.render(
            "confirm.html",
            title=f"Revoke {key.name}",
            nav_current=ring.nav,
            question=f"Revoke {key.name}?",
            text="Whatever uses this key stops working at once. It can't be undone.",
            action=f"{keys}/{key.id}/revoke",
            label="Revoke key",
            danger=True,
            cancel=section,
        )

    def revoke_key(page: PageContext) -> Response:
        page.on_current(
            lambda: api_keys.read_key(ring.owner(page), page.path["id"]),
            lambda key: api_keys.revoke_key(key, by=page.by),
        )
        return page.redirect(section, flash="The key is revoked.")

    pages.page("POST", keys, audience=ring.audience)(create_key)
    pages.page("GET", keys, audience=ring.audience)(back_to_keys)
    pages.page("GET", keys + "/{id}/revoke", audience=ring.audience)(confirm_revoke)
    pages.page("POST", keys + "/{id}/revoke", audience=ring.audience)(revoke_key)


def _end_of(day: str) -> datetime | None:
    """A key is good through the day that was chosen, in UTC. Raises InvalidRequest."""
    if not day:
        return None
    try:
        return datetime.combine(date.fromisoformat(day), time(23, 59, 59), UTC)
    except ValueError:
        raise InvalidRequest.of("expires_at", "A date, please.") from None
