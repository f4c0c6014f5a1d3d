"""The actions on a tenant's page, shared by the reseller's page and the admin's page."""

from collections.abc import Callable
from dataclasses import dataclass

from chalice.app import Response

from chalicelib.api.declarations import Audience
from chalicelib.api.tenants import Restoration, TenantChanges, TenantDetails
from chalicelib.errors import InvalidRequest, SlugTaken, TenantryError, VersionConflict
from chalicelib.services.tenants import lifecycle
from chalicelib.services.tenants.lifecycle import RESTORABLE
from chalicelib.storage.tenants import Tenant
from chalicelib.web.admin_shell.words import field_label
from chalicelib.web.shell.confirmation import Confirmation, show_confirmation
from chalicelib.web.shell.forms import StaleForm
from chalicelib.web.shell.menu import MenuEntry
from chalicelib.web.shell.rendering import View
from chalicelib.web.shell.routing import Form, FormFields, PageContext, Pages

EDIT = FormFields(TenantChanges)
RESTORE = FormFields(Restoration, id="restore")
# The optional fields, with their labels.
DETAILS = [(name, field_label(name)) for name in TenantDetails.model_fields]
RESTORABLE_DAYS = RESTORABLE.days


def tenant_context(tenant: Tenant, path: str) -> View:
    """Return what every page of a tenant passes to its template. `path` is the page's."""
    return {
        "edit_form": EDIT,
        "restore_form": RESTORE,
        "details": DETAILS,
        "deletion": deletion_of(tenant, path),
        "restorable_days": RESTORABLE_DAYS,
    }


def deletion_of(tenant: Tenant, path: str) -> Confirmation:
    """Return the confirmation for deleting the tenant."""
    frees = "Its license is freed at once. " if tenant.holds_license else ""
    return Confirmation(
        f"Delete {tenant.name}?",
        f"{frees}Nobody can sign in to it any more. You can restore it for {RESTORABLE_DAYS} days; "
        "that takes a license again. After that it is gone for good.",
        path + "?action=delete",
        "Delete tenant",
    )


@dataclass(frozen=True, slots=True)
class TenantPage:
    """The properties in which the reseller's and the admin's tenant page differ.

    `path` is the page's path, with `{id}` for the tenant; its parent path is the list. `nav` is the
    menu entry. `reseller_of` returns the reseller whose tenant is shown. `whose` refers to the
    licenses' owner in sentences, as in "your licenses". `show` renders the page.
    """

    path: str
    nav: MenuEntry
    audience: Audience
    reseller_of: Callable[[PageContext], str]
    whose: str
    show: Callable[..., Response]

    def read(self, page: PageContext) -> Tenant:
        """Return the tenant named in the path. Raises NotFound."""
        return lifecycle.read_tenant(self.reseller_of(page), page.path["id"])

    def path_of(self, tenant: Tenant) -> str:
        return self.path.format(reseller=tenant.reseller_id, id=tenant.id)

    def list_of(self, tenant: Tenant) -> str:
        return self.path_of(tenant).rpartition("/")[0]

    def edit(self, page: PageContext, form: Form[TenantChanges]) -> Response:
        try:
            changes = form.read().model_dump(exclude_unset=True)
            edited = page.on_current(
                lambda: self.read(page),
                lambda tenant: lifecycle.edit_tenant(tenant, changes, by=page.by),
                version=form.get("version"),
            )
        except VersionConflict:
            tenant = self.read(page)
            current = {name: getattr(tenant, name) or "" for name in EDIT.controls}
            return page.rerender_form(StaleForm(form, current), self.show, form)
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
        """Ask for confirmation in browsers without JavaScript."""
        tenant = self.read(page)
        path = self.path_of(tenant)
        if tenant.deleted_at is not None:
            return page.redirect(path)
        details = [(label, getattr(tenant, name) or "–") for name, label in DETAILS]
        return show_confirmation(
            page,
            deletion_of(tenant, path),
            nav=self.nav,
            cancel=path,
            facts=[("Slug", tenant.slug), *details],
        )

    def delete(self, page: PageContext) -> Response:
        return self._press(
            page,
            lambda tenant: lifecycle.delete_tenant(tenant, by=page.by),
            lambda tenant: (
                f"{tenant.name} is deleted and its license is free. "
                f"For {RESTORABLE_DAYS} days you find it under the status Deleted."
            ),
            to=self.list_of,
        )

    def restore(self, page: PageContext, form: Form[Restoration]) -> Response:
        """Restore the tenant with the slug from the form, or with its old slug if none was sent."""
        try:
            slug = form.read().slug
            tenant = page.on_current(
                lambda: self.read(page),
                lambda row: lifecycle.restore_tenant(row, by=page.by, slug=slug),
            )
        except (InvalidRequest, SlugTaken) as error:
            return page.rerender_form(error, self.show, form)
        except TenantryError as error:
            return page.rerender_with_error(error, self.show)
        flash = f"{tenant.name} is back, active, on one of {self.whose} licenses."
        return page.redirect(self.path_of(tenant), flash=flash)

    def _press(
        self,
        page: PageContext,
        act: Callable[[Tenant], Tenant],
        flash: Callable[[Tenant], str],
        to: Callable[[Tenant], str] | None = None,
    ) -> Response:
        """Run a button's action. Running it a second time has no further effect."""
        try:
            tenant = page.on_current(lambda: self.read(page), act)
        except TenantryError as error:
            return page.rerender_with_error(error, self.show)
        return page.redirect((to or self.path_of)(tenant), flash=flash(tenant))


def add_tenant_actions(pages: Pages, tenant_page: TenantPage) -> None:
    """Register the actions under the page's path."""
    path, audience = tenant_page.path, tenant_page.audience
    pages.form(path, audience=audience, fields=EDIT)(tenant_page.edit)
    pages.form(f"{path}?action=restore", audience=audience, fields=RESTORE)(tenant_page.restore)
    pages.page("GET", path + "/delete", audience=audience)(tenant_page.confirm_delete)
    for name, action in {
        "delete": tenant_page.delete,
        "deactivate": tenant_page.deactivate,
        "reactivate": tenant_page.reactivate,
    }.items():
        pages.page("POST", f"{path}?action={name}", audience=audience)(action)
