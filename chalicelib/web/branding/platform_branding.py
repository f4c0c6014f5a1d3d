"""The platform's branding, which resellers and tenants inherit."""

from chalice.app import Response

from chalicelib.api.branding_config import BrandingConfig
from chalicelib.domain.branding import FIELDS
from chalicelib.errors import TenantryError
from chalicelib.services.branding.documents import platform_view
from chalicelib.services.settings import platform_settings
from chalicelib.web.admin_shell.frame import render
from chalicelib.web.shell.menu import MenuEntry
from chalicelib.web.shell.routing import Audience, Form, FormFields, PageContext, Pages

pages = Pages(__name__)

BRANDING = "/admin/settings/branding"
EDIT = FormFields(BrandingConfig)
FIELD_NAMES = {f"branding_config.{name}": name for name in FIELDS}


@pages.page("GET", BRANDING, audience=Audience.ADMIN)
def show_branding(page: PageContext, **context: object) -> Response:
    row = platform_settings.read_settings()
    view = platform_view(row)
    return render(
        page,
        "admin/branding.html",
        title="Platform branding",
        nav=MenuEntry.ADMIN_SETTINGS,
        branding={
            "own": {name: view.own.get(name) for name in FIELDS},
            "effective": view.effective,
            "sources": view.sources,
        },
        version=str(row.version),
        branding_form=EDIT,
        **context,
    )


@pages.form(BRANDING, audience=Audience.ADMIN, fields=EDIT)
def save_branding(page: PageContext, form: Form[BrandingConfig]) -> Response:
    try:
        document = form.read().model_dump()
        page.on_current(
            platform_settings.read_settings,
            lambda row: platform_settings.edit_settings(
                row, {"branding_config": document}, by=page.by
            ),
            version=form.get("version"),
        )
    except TenantryError as error:
        return page.rerender_form(error, show_branding, form, field_names=FIELD_NAMES)
    return page.redirect(BRANDING, flash="Branding saved. It is shown within a minute.")
