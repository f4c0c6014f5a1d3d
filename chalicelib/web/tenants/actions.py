"""What can be done to one tenant on its page: the same for its reseller and for an admin."""

from collections.abc import Callable
from dataclasses import dataclass

from chalice.app import Response

from chalicelib.api.declarations import Audience
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

    def read(self, page: PageContext) -> Tenant:
        """Raises NotFound."""
        return lifecycle.read_tenant(self.reseller_of(page), page.path["id"])

    def path_of(self, tenant: Tenant) -> str:
        return self.path.format(reseller=tenant.reseller_id, id=tenant.id)

    def list_of(self, tenant: Tenant) -> str:
        return self.path_of(tenant).rpartition("/")[0]

    def edit(self, page: PageContext) -> Response:
        form = page.form()
        try:
            changes = form.read(
                TenantChanges,
                name=form.get("name"),
                slug=form.get("slug"),
                contact_email=form.get("contact_email") or None,
            ).model_dump()
            edited = page.on_current(
                lambda: self.read(page),
                lambda tenant: lifecycle.edit_tenant(tenant, changes, by=page.by),
                version=form.get("version"),
            )
        except VersionConflict:
            now = self.read(page)
            shown = {name: getattr(now, name) or "" for name in EDITED}
            return page.rerender_form(StaleForm(form, shown), self.show, form)
        except TenantryError as error:
            return page.rerender_form(error, self.show, form)
        return page.redirect(self.path_of(edited), flash="Saved.")

    def deactivate(self, page: PageContext) -> Response:
        return self._press(
            page,
            lambda tenant: lifecycle.deactivate_tenant(tenant, by=page.by),
            lambda tenant: f"{tenant.name} is deactivated. Nobody can sign in to it.",
        )

    def reactivate(self, page: PageContext) -> Response:
        return self._press(
            page,
            lambda tenant: lifecycle.reactivate_tenant(tenant, by=page.by),
            lambda tenant: f"{tenant.name} is active again.",
        )

    def confirm_delete(self, page: PageContext) -> Response:
        """The question, for anyone without a script."""
        tenant = self.read(page)
        path = self.path_of(tenant)
        if tenant.deleted_at is not None:
            return page.redirect(path)
        frees = "Its license is freed at once. " if tenant.holds_license else ""
        return page.render(
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

    def delete(self, page: PageContext) -> Response:
        return self._press(
            page,
            lambda tenant: lifecycle.delete_tenant(tenant, by=page.by),
            lambda tenant: (
                f"{tenant.name} is deleted and its license is free. "
                "For 30 days you find it under the status Deleted."
            ),
            to=self.list_of,
        )

    def restore(self, page: PageContext) -> Response:
        """Under the slug it had, or, where another tenant has that by now, under one that is
        chosen here."""
        form = page.form()
        try:
            slug = form.read(Restoration).slug
            tenant = page.on_current(
                lambda: self.read(page),
                lambda row: lifecycle.restore_tenant(row, by=page.by, slug=slug),
            )
        except (InvalidRequest, SlugTaken) as error:
            return page.rerender_form(error, self.show, form, form_id="restore")
        except TenantryError as error:
            return page.rerender_with_error(error, self.show)
        said = f"{tenant.name} is back, active, on one of {self.whose} licenses."
        return page.redirect(self.path_of(tenant), flash=said)

    def back(self, page: PageContext) -> Response:
        """For whoever reloads the address of a deed."""
        return page.redirect(self.path_of(self.read(page)))

    def _press(
        self,
        page: PageContext,
        act: Callable[[Tenant], Tenant],
        said: Callable[[Tenant], str],
        to: Callable[[Tenant], str] | None = None,
    ) -> Response:
        """A button's deed; asked for twice, it finds that it is done."""
        try:
            tenant = page.on_current(lambda: self.read(page), act)
        except TenantryError as error:
            return page.rerender_with_error(error, self.show)
        return page.redirect((to or self.path_of)(tenant), flash=said(tenant))


def add_tenant_actions(pages: Pages, tenant_page: TenantPage) -> None:
    """The deeds below the page's path."""
    pages.page("POST", tenant_page.path, audience=tenant_page.audience)(tenant_page.edit)
    pages.page("GET", tenant_page.path + "/delete", audience=tenant_page.audience)(
        tenant_page.confirm_delete
    )
    pages.page("POST", tenant_page.path + "/delete", audience=tenant_page.audience)(
        tenant_page.delete
    )
    for name, deed in {
        "/deactivate": tenant_page.deactivate,
        "/reactivate": tenant_page.reactivate,
        "/restore": tenant_page.restore,
    }.items():
        pages.page("POST", tenant_page.path + name, audience=tenant_page.audience)(deed)
        pages.page("GET", tenant_page.path + name, audience=tenant_page.audience)(tenant_page.back)
