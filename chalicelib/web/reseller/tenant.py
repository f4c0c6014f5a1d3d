"""/reseller/tenants/{id}: one tenant, edited, deactivated, deleted and restored."""

from collections.abc import Callable
from typing import Any

from chalice.app import Response

from chalicelib.api.tenants import TenantChanges
from chalicelib.errors import SlugTaken, TenantryError, VersionConflict
from chalicelib.services import platform, tenants
from chalicelib.storage.tenants import Tenant
from chalicelib.web.forms import Outdated
from chalicelib.web.reseller.frame import render
from chalicelib.web.routing import Audience, Pages, Visit

pages = Pages(__name__)

TENANT = "/reseller/tenants/{id}"


def _read(visit: Visit) -> Tenant:
    return tenants.read_tenant(visit.reseller.id, visit.path["id"])


def _path(tenant: Tenant) -> str:
    return f"/reseller/tenants/{tenant.id}"


@pages.page("GET", TENANT, audience=Audience.RESELLER)
def show_tenant(visit: Visit, **context: Any) -> Response:
    tenant = _read(visit)
    return render(
        visit,
        "tenant",
        title=tenant.name,
        nav="tenants",
        tenant=tenant,
        deactivated_hold_license=platform.current().deactivated_tenants_hold_license,
        **context,
    )


@pages.page("POST", TENANT, audience=Audience.RESELLER)
def edit(visit: Visit) -> Response:
    form = visit.form()
    try:
        changes = form.read(
            TenantChanges,
            name=form.get("name"),
            slug=form.get("slug"),
            contact_email=form.get("contact_email") or None,
        ).model_dump()
        edited = visit.on_current(
            lambda: _read(visit),
            lambda tenant: tenants.edit_tenant(tenant, changes, by=visit.by),
            version=form.get("version"),
        )
    except VersionConflict:
        now = _read(visit)
        shown = {name: getattr(now, name) or "" for name in ("name", "slug", "contact_email")}
        return visit.refused(Outdated(form, shown), show_tenant, form)
    except TenantryError as error:
        return visit.refused(error, show_tenant, form)
    return visit.redirect(_path(edited), flash="Saved.")


def _deed(
    visit: Visit, act: Callable[[Tenant], Tenant], said: Callable[[Tenant], str], to: str = ""
) -> Response:
    """A button's deed; asked for twice, it finds that it is done."""
    try:
        tenant = visit.on_current(lambda: _read(visit), act)
    except SlugTaken as error:
        taken = f"{error} Give that other tenant another slug first."
        return visit.failed(error, show_tenant, taken)
    except TenantryError as error:
        return visit.failed(error, show_tenant)
    return visit.redirect(to or _path(tenant), flash=said(tenant))


@pages.page("POST", TENANT + "/deactivate", audience=Audience.RESELLER)
def deactivate(visit: Visit) -> Response:
    return _deed(
        visit,
        lambda tenant: tenants.deactivate_tenant(tenant, by=visit.by),
        lambda tenant: f"{tenant.name} is deactivated. Nobody can sign in to it.",
    )


@pages.page("POST", TENANT + "/reactivate", audience=Audience.RESELLER)
def reactivate(visit: Visit) -> Response:
    return _deed(
        visit,
        lambda tenant: tenants.reactivate_tenant(tenant, by=visit.by),
        lambda tenant: f"{tenant.name} is active again.",
    )


@pages.page("GET", TENANT + "/delete", audience=Audience.RESELLER)
def confirm_delete(visit: Visit) -> Response:
    """The question, for anyone without a script."""
    tenant = _read(visit)
    if tenant.deleted_at is not None:
        return visit.redirect(_path(tenant))
    frees = "Its license is freed at once. " if tenant.holds_license else ""
    return visit.render(
        "confirm.html",
        title=f"Delete {tenant.name}",
        nav_current="reseller/tenants",
        question=f"Delete {tenant.name}?",
        text=f"{frees}Nobody can sign in to it any more. You can restore it for 30 days; "
        "that takes a license again. After that it is gone for good.",
        facts=[("Slug", tenant.slug), ("Contact", tenant.contact_email or "–")],
        action=_path(tenant) + "/delete",
        label="Delete tenant",
        danger=True,
        cancel=_path(tenant),
    )


@pages.page("POST", TENANT + "/delete", audience=Audience.RESELLER)
def delete(visit: Visit) -> Response:
    return _deed(
        visit,
        lambda tenant: tenants.delete_tenant(tenant, by=visit.by),
        lambda tenant: (
            f"{tenant.name} is deleted and its license is free. "
            "For 30 days you find it under the status Deleted."
        ),
        to="/reseller/tenants",
    )


@pages.page("POST", TENANT + "/restore", audience=Audience.RESELLER)
def restore(visit: Visit) -> Response:
    return _deed(
        visit,
        lambda tenant: tenants.restore_tenant(tenant, by=visit.by),
        lambda tenant: f"{tenant.name} is back, active, on one of your licenses.",
    )


def _back(visit: Visit) -> Response:
    """For whoever reloads the address of a deed."""
    return visit.redirect(_path(_read(visit)))


for deed in ("/deactivate", "/reactivate", "/restore"):
    pages.page("GET", TENANT + deed, audience=Audience.RESELLER)(_back)
