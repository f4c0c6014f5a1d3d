"""The branding document's fields, and the values each one accepts."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from chalicelib.domain.branding import (
    MAX_PRODUCT_NAME,
    Source,
    check_product_name,
    valid_fields,
)
from chalicelib.domain.colors import COLOR, check_color
from chalicelib.domain.names import MAX_EMAIL
from chalicelib.domain.safe_urls import HTTPS_URL, MAX_URL, check_email, check_https_url
from chalicelib.http.fields import Changes, Output

_Name = Annotated[
    str,
    AfterValidator(check_product_name),
    Field(json_schema_extra={"minLength": 1, "maxLength": MAX_PRODUCT_NAME}),
]
_Url = Annotated[
    str,
    AfterValidator(check_https_url),
    Field(json_schema_extra={"format": "uri", "maxLength": MAX_URL, "pattern": f"^{HTTPS_URL}$"}),
]
_Color = Annotated[
    str, AfterValidator(check_color), Field(json_schema_extra={"pattern": f"^{COLOR.pattern}$"})
]
_Email = Annotated[
    str,
    AfterValidator(check_email),
    Field(json_schema_extra={"format": "email", "maxLength": MAX_EMAIL}),
]


class BrandingConfig(Changes):
    """The branding set at one level: for the platform, a reseller, or a tenant.

    A field that is null or missing is inherited: a tenant inherits from its reseller, and a
    reseller from the platform. docs/branding.md has the details.
    """

    product_name: _Name | None = Field(default=None, description="The name of the product.")
    logo_url: _Url | None = Field(
        default=None, description="Logo for light backgrounds; https URL."
    )
    logo_dark_url: _Url | None = Field(
        default=None, description="Logo for dark backgrounds; https URL."
    )
    favicon_url: _Url | None = Field(
        default=None, description="Icon for the browser tab; https URL."
    )
    login_background_url: _Url | None = Field(
        default=None, description="Image behind the login form; https URL."
    )
    login_background_color: _Color | None = Field(
        default=None, description="Color behind the login form, under the image; #rrggbb."
    )
    primary_color: _Color | None = Field(default=None, description="Buttons and links; #rrggbb.")
    accent_color: _Color | None = Field(default=None, description="Highlights; #rrggbb.")
    background_color: _Color | None = Field(
        default=None, description="Background behind text; #rrggbb."
    )
    text_color: _Color | None = Field(
        default=None,
        description="Text; #rrggbb. Its contrast with the effective `background_color` must be at "
        "least 4.5.",
    )
    support_email: _Email | None = Field(
        default=None, description="Email address for visitors who need help; public."
    )
    support_url: _Url | None = Field(
        default=None, description="Page for visitors who need help; public, https URL."
    )


class Brand(Output):
    """The branding that visitors see.

    A field is null if no level sets it; the application then uses its own default.
    """

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
    """Text that became hard to read when an inherited color changed."""

    field: str
    on: str = Field(description="The field with the background color.")
    ratio: float
    required: float
    suggestion: str = Field(
        description="The nearest readable color for `field`. The service's own pages use it until "
        "the color is changed."
    )


class BrandingOutput(Output):
    own: dict[str, str] = Field(description="The fields set at this level, without inherited ones.")
    effective: Brand = Field(description="The values that visitors see, after inheritance.")
    sources: dict[str, Source] = Field(
        description="For each field, the level that provides its effective value."
    )
    low_contrast: list[ContrastOutput] = Field(
        description="Text that is hard to read on its background."
    )


# A stored branding document in a response. Drops any invalid fields, such as those edited in the
# AWS console.
StoredBranding = Annotated[dict[str, str], BeforeValidator(valid_fields)]
