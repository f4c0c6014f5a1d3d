"""What can be done to one tenant on its page: the same for its reseller and for an admin."""

from collections.abc import Callable
from dataclasses import dataclass

from chalice.app import Response

from chalicelib.api.routing import Audience
from chalicelib.api.tenants import Restoration, TenantChanges
from chalicelib.errors import InvalidRequest, SlugTaken, TenantryError, VersionConflict
from chalicelib.services.tenants import lifecycle
from chalicelib.storage.tenants import Tenant
from chalicelib.web.shell.forms import StaleForm
from chalicelib.web.shell.routing import PageContext, Pages

EDITED = ("name", "slug", "contact_email")


@dataclass(frozen=True, slots=True)
class TenantPage:
    """path: of the page, with the tenant as {id}; its last part but that is the list. nav: its
    entry in the menu. reseller_of: whose tenant a visit is about. whose: the licenses' owner,
    as this visitor is told. show: what renders the page."""

    path: str
    nav: str
    audience: Audience
    reseller_of: Callable[[PageContext], str]
    whose: str
    show: Callable[..., Response]

    def read(self, visit: PageContext) -> Tenant:
        """Raises NotFound."""
        return lifecycle.read_tenant(self.reseller_of(visit), visit.path["id"])

    def path_of(self, tenant: Tenant) -> str:
        return self.path.format(reseller=tenant.reseller_id, id=tenant.id)

    def list_of(self, tenant: Tenant) -> str:
        return self.path_of(tenant).rpartition("/")[0]

    def edit(self, visit: PageContext) -> Response:
        form = visit.form()
        try:
            changes = form.read(
                TenantChanges,
                name=form.get("name"),
                slug=form.get("slug"),
                contact_email=form.get("contact_email") or None,
            ).model_dump()
            edited = visit.on_current(
                lambda: self.read(visit),
                lambda tenant: lifecycle.edit_tenant(tenant, changes, by=visit.by),
                version=form.get("version"),
            )
        except VersionConflict:
            now = self.read(visit)
            shown = {name: getattr(now, name) or "" for name in EDITED}
            return visit.refused(StaleForm(form, shown), self.show, form)
        except TenantryError as error:
            return visit.refused(error, self.show, form)
        return visit.redirect(self.path_of(edited), flash="Saved.")

    def deactivate(self, visit: PageContext) -> Response:
        return self._press(
            visit,
            lambda tenant: lifecycle.deactivate_tenant(tenant, by=visit.by),
            lambda tenant: f"{tenant.name} is deactivated. Nobody can sign in to it.",
        )

    def reactivate(self, visit: PageContext) -> Response:
        return self._press(
            visit,
            lambda tenant: lifecycle.reactivate_tenant(tenant, by=visit.by),
            lambda tenant: f"{tenant.name} is active again.",
        )

    def confirm_delete(self, visit: PageContext) -> Response:
        """The question, for anyone without a script."""
        tenant = self.read(visit)
        path = self.path_of(tenant)
        if tenant.deleted_at is not None:
            return visit.redirect(path)
        frees = "Its license is freed at once. " if tenant.holds_license else ""
        return visit.render(
            "confirm.html",
            title=f"Delete {tenant.name}",
            nav_current=self.nav,
            question=f"Delete {tenant.name}?",
            text=f"{frees}Nobody can sign in to it any more. You can restore it for 30 days; "
            "that takes a license again. After that it is gone for good.",
            facts=[("Slug", tenant.slug), ("Contact", tenant.contact_email or "–")],
            action=path + "/delete",
            label="Delete tenant",
            danger=True,
            cancel=path,
        )

    def delete(self, visit: PageContext) -> Response:
        return self._press(
            visit,
            lambda tenant: lifecycle.delete_tenant(tenant, by=visit.by),
            lambda tenant: (
                f"{tenant.name} is deleted and its license is free. "
                "For 30 days you find it under the status Deleted."
            ),
            to=self.list_of,
        )

    def restore(self, visit: PageContext) -> Response:
        """Under the slug it had, or, where another tenant has that by now, under one that is
        chosen here."""
        form = visit.form()
        try:
            slug = form.read(Restoration).slug
            tenant = visit.on_current(
                lambda: self.read(visit),
                lambda row: lifecycle.restore_tenant(row, by=visit.by, slug=slug),
            )
        except (InvalidRequest, SlugTaken) as error:
            return visit.refused(error, self.show, form, form_id="restore")
        except TenantryError as error:
            return visit.failed(error, self.show)
        said = f"{tenant.name} is back, active, on one of {self.whose} licenses."
        return visit.redirect(self.path_of(tenant), flash=said)

    def back(self, visit: PageContext) -> Response:
        """For whoever reloads the address of a deed."""
        return visit.redirect(self.path_of(self.read(visit)))

    def _press(
        self,
        visit: PageContext,
        act: Callable[[Tenant], Tenant],
        said: Callable[[Tenant], str],
        to: Callable[[Tenant], str] | None = None,
    ) -> Response:
        """A button's deed; asked for twice, it finds that it is done."""
        try:
            tenant = visit.on_current(lambda: self.read(visit), act)
        except TenantryError as error:
            return visit.failed(error, self.show)
        return visit.redirect((to or self.path_of)(tenant), flash=said(tenant))


def add_tenant_actions(pages: Pages, page: TenantPage) -> None:
    """The deeds below the page's path."""
    pages.page("POST", page.path, audience=page.audience)(page.edit)
    pages.page("GET", page.path + "/delete", audience=page.audience)(page.confirm_delete)
    pages.page("POST", page.path + "/delete", audience=page.audience)(page.delete)
    for name, deed in {
        "/deactivate": page.deactivate,
        "/reactivate": page.reactivate,
        "/restore": page.restore,
    }.items():
        pages.page("POST", page.path + name, audience=page.audience)(deed)
        pages.page("GET", page.path + name, audience=page.audience)(page.back)
