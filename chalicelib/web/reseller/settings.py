"""/reseller/settings: one's profile, password and sessions, and the account's API keys."""

from datetime import UTC, date, datetime, time
from typing import Any

from chalice.app import Response

from chalicelib.api.api_keys import NewApiKey
from chalicelib.errors import InvalidRequest, NotFound, TenantryError
from chalicelib.services import api_keys
from chalicelib.services.api_keys import NewKey, Owner, owner_of_reseller_keys
from chalicelib.services.idempotency import Once
from chalicelib.storage.credentials import Credential
from chalicelib.storage.reads import PageRequest
from chalicelib.web.own_account import add_own_account, own_account
from chalicelib.web.reseller.frame import render
from chalicelib.web.routing import Audience, Pages, Visit

pages = Pages(__name__)

SETTINGS = "/reseller/settings"
KEYS = SETTINGS + "/api-keys"
MOST_KEYS = 100
SCOPES = [
    ("read", "Read", "Licenses, tenants, purchases, the ledger."),
    ("tenants", "Manage tenants", "Create, change, deactivate, delete and restore them."),
    ("purchases", "Buy licenses", "Start checkouts."),
    ("branding", "Brand", "Change looks and custom domains."),
]


def _owner(visit: Visit) -> Owner:
    return owner_of_reseller_keys(visit.reseller)


def _keys(visit: Visit) -> list[Credential]:
    return api_keys.list_keys(_owner(visit), PageRequest(MOST_KEYS)).rows


@pages.page("GET", SETTINGS, audience=Audience.RESELLER)
def show_settings(visit: Visit, **context: Any) -> Response:
    return render(
        visit,
        "settings",
        title="Settings",
        nav="settings",
        **own_account(visit),
        api_keys=[_shown(key) for key in _keys(visit)],
        scope_options=SCOPES,
        **context,
    )


def _shown(key: Credential) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "hint": f"{key.id[:7]}…{key.id[-6:]}",
        "scopes": key.scopes,
        "last_used_at": key.used_at,
        "expires_at": key.expires_at,
    }


add_own_account(pages, SETTINGS, audience=Audience.RESELLER, show=show_settings)


@pages.page("POST", KEYS, audience=Audience.RESELLER)
def create_key(visit: Visit) -> Response:
    """Shown at once, on the page that answers: no redirect could carry a secret. Reloading
    it shows the same key again."""
    form = visit.form()

    def act(once: Once) -> NewKey:
        expires_at = _end_of(form.get("expires_at"))
        new = form.read(NewApiKey, scopes=form.every("scopes"), expires_at=expires_at)
        return api_keys.create_key(
            _owner(visit),
            name=new.name,
            scopes=new.scopes,
            expires_at=new.expires_at,
            by=visit.by,
            once=once,
        )

    try:
        key = visit.once_secret(form, act)
    except TenantryError as error:
        return visit.refused(error, show_settings, form, repeated=("scopes",), form_id="key")
    return show_settings(visit, new_key={"key": key})


def _end_of(day: str) -> datetime | None:
    """A key is good through the day that was chosen, in UTC. Raises InvalidRequest."""
    if not day:
        return None
    try:
        return datetime.combine(date.fromisoformat(day), time(23, 59, 59), UTC)
    except ValueError:
        raise InvalidRequest.of("expires_at", "A date, please.") from None


@pages.page("GET", KEYS, audience=Audience.RESELLER)
def back_to_keys(visit: Visit) -> Response:
    return visit.redirect(f"{SETTINGS}#api-keys")


@pages.page("GET", KEYS + "/{id}/revoke", audience=Audience.RESELLER)
def confirm_revoke(visit: Visit) -> Response:
    """The question, for anyone without a script."""
    key = next((key for key in _keys(visit) if key.id == visit.path["id"]), None)
    if key is None:
        raise NotFound("API key")
    return visit.render(
        "confirm.html",
        title=f"Revoke {key.name}",
        nav_current="reseller/settings",
        question=f"Revoke {key.name}?",
        text="Whatever uses this key stops working at once. It can't be undone.",
        action=f"{KEYS}/{key.id}/revoke",
        label="Revoke key",
        danger=True,
        cancel=f"{SETTINGS}#api-keys",
    )


@pages.page("POST", KEYS + "/{id}/revoke", audience=Audience.RESELLER)
def revoke_key(visit: Visit) -> Response:
    api_keys.revoke_key(_owner(visit), visit.path["id"], by=visit.by)
    return visit.redirect(f"{SETTINGS}#api-keys", flash="The key is revoked.")
