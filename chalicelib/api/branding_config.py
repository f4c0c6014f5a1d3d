"""The branding document: what each field means and what it may hold."""

from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from chalicelib.api.fields import Changes, Output
from chalicelib.domain.branding import Source, check_product_name, valid_fields
from chalicelib.domain.colors import check_color
from chalicelib.domain.safe_urls import check_email, check_https_url


def _optional(check: Callable[[str], str]) -> AfterValidator:
    return AfterValidator(lambda value: None if value is None else check(value))


_Name = Annotated[str | None, _optional(check_product_name)]
_Url = Annotated[str | None, _optional(check_https_url)]
_Colour = Annotated[str | None, _optional(check_color)]
_Email = Annotated[str | None, _optional(check_email)]


class BrandingConfig(Changes):
    """One level's own branding. A field that is null or left out is inherited: by a tenant
    from its reseller, by a reseller from the platform. docs/branding.md tells more."""

    product_name: _Name = Field(default=None, description="What the product is called.")
    logo_url: _Url = Field(default=None, description="The logo on a light background; https.")
    logo_dark_url: _Url = Field(default=None, description="The logo on a dark background; https.")
    favicon_url: _Url = Field(default=None, description="The icon in the browser's tab; https.")
    login_background_url: _Url = Field(
        default=None, description="The picture behind the login form, over its colour; https."
    )
    login_background_color: _Colour = Field(
        default=None, description="The colour behind the login form; #rrggbb."
    )
    primary_color: _Colour = Field(default=None, description="Buttons and links; #rrggbb.")
    accent_color: _Colour = Field(default=None, description="Highlights; #rrggbb.")
    background_color: _Colour = Field(default=None, description="What text stands on; #rrggbb.")
    text_color: _Colour = Field(
        default=None,
        description="Text; #rrggbb. Its contrast with background_color, own or inherited, must be "
        "4.5 at least.",
    )
    support_email: _Email = Field(
        default=None, description="Where visitors write for help; public."
    )
    support_url: _Url = Field(default=None, description="Where visitors go for help; public.")


class Brand(Output):
    """What a visitor sees. null: set nowhere, the application's own default applies."""

    product_name: str
    logo_url: str | None
    logo_dark_url: str | None
    favicon_url: str | None
    login_background_url: str | None
    login_background_color: str | None
    primary_color: str
    accent_color: str
    background_color: str | None
    text_color: str | None
    support_email: str | None
    support_url: str | None


class ContrastOutput(Output):
    """Text that is hard to read since an inherited colour has changed. suggestion: the nearest
    colour for `field` that passes, which our pages use until somebody chooses."""

    field: str
    on: str
    ratio: float
    required: float
    suggestion: str


class BrandingOutput(Output):
    """own: the fields set here. effective: what is shown, field by field. sources: where each
    of them comes from. low_contrast: what a visitor could not read well."""

    own: dict[str, str]
    effective: Brand
    sources: dict[str, Source]
    low_contrast: list[ContrastOutput]


# A row's document in an answer: only what is valid of it, whatever the console made of it.
StoredBranding = Annotated[dict[str, str], BeforeValidator(valid_fields)]
