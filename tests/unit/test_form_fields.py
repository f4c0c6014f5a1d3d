"""Controls have the limits of the model: a value at each is accepted, and one beyond it is not."""

import importlib
import re
from dataclasses import replace

import pytest
from pydantic import BaseModel

import app  # noqa: F401 - declares all pages
from chalicelib.api.api_keys import NewApiKey
from chalicelib.api.branding_config import BrandingConfig
from chalicelib.api.resellers import Adjustment
from chalicelib.api.settings import TierInput
from chalicelib.api.tenants import NewTenant, TenantChanges
from chalicelib.api.users import UserChanges
from chalicelib.domain.pricing import Tier, tier_problems
from chalicelib.errors import InvalidRequest
from chalicelib.web.shell.form_fields import CHECKBOX, CHECKBOXES, Control, FormFields
from chalicelib.web.shell.forms import Form
from chalicelib.web.shell.routing import PAGES
from tests.support.hostile_values import NEUTRALIZED
from tests.support.source_layout import PACKAGE, module_of

CONTROLS = {
    f"{page.method} {page.path} {name}": (fields, name, control)
    for page in PAGES
    for fields in page.forms
    for name, control in fields.controls.items()
    if fields.model is not TierInput
}
EVERY_CONTROL = pytest.mark.parametrize("place", CONTROLS)


def errors_of(fields: FormFields[BaseModel], **typed: str) -> dict[str, str]:
    try:
        Form(fields, {name: [value] for name, value in typed.items()}).read()
    except InvalidRequest as error:
        return {found.field: found.message for found in error.errors}
    return {}


def text_of(control: Control, length: int) -> str:
    """Return a text of that length that is valid but for its length."""
    if control.type == "email":
        return f"{'a' * 64}@{'b' * 60}.{'c' * 60}.{'d' * (length - 191)}.com"
    if control.type == "url":
        return "https://example.com/" + "a" * (length - 20)
    return "a" * length


@EVERY_CONTROL
def test_a_value_at_a_limit_is_accepted_and_one_beyond_it_is_not(place: str) -> None:
    fields, name, control = CONTROLS[place]
    for limit, direction in (("min", -1), ("max", 1), ("minlength", -1), ("maxlength", 1)):
        if limit not in control.limits:
            continue
        bound = int(str(control.limits[limit]))
        at, beyond = bound, bound + direction
        if limit in ("min", "max"):
            typed, wrong = str(at), str(beyond)
        else:
            typed, wrong = text_of(control, at), text_of(control, beyond)
        assert name not in errors_of(fields, **{name: typed})
        assert name in errors_of(fields, **{name: wrong})


def test_the_limits_of_price_tiers_are_those_of_the_domain() -> None:
    """The domain checks them, so that the API can report all of them at `price_tiers`."""
    controls = FormFields(TierInput, repeats=True).controls
    for name, tier in (("from", Tier(1, 100)), ("unit_amount", Tier(2, 100))):
        for limit, direction in (("min", -1), ("max", 1)):
            bound = int(str(controls[name].limits[limit]))
            column = "from_quantity" if name == "from" else name
            first = [Tier(1, 100)] if name == "unit_amount" or bound > 1 else []
            assert tier_problems([*first, replace(tier, **{column: bound})]) == []
            wrong = tier_problems([*first, replace(tier, **{column: bound + direction})])
            assert [problem.field for problem in wrong] == [name]


@pytest.mark.parametrize("name", NEUTRALIZED)
def test_a_pattern_lets_every_accepted_value_pass(name: str) -> None:
    fields = FormFields(BrandingConfig)
    pattern = str(fields.controls[name].limits.get("pattern", ".*"))
    for value in NEUTRALIZED[name]:
        assert errors_of(fields, **{name: value}) == {}
        assert re.fullmatch(pattern, value.strip())


@EVERY_CONTROL
def test_a_required_value_cannot_be_left_empty(place: str) -> None:
    fields, name, control = CONTROLS[place]
    if control.type not in (CHECKBOX, CHECKBOXES):
        assert (name in errors_of(fields, **{name: ""})) == control.required


@pytest.mark.parametrize("place", [place for place, (_, _, c) in CONTROLS.items() if c.required])
def test_an_incomplete_form_is_refused(place: str) -> None:
    """A form without its required fields must not turn all its checkboxes off."""
    fields, name, _ = CONTROLS[place]
    assert name in errors_of(fields)


def test_every_model_of_a_page_adds_fields_to_a_model_of_the_api() -> None:
    """So no field of the API has a second type or limit."""
    found = 0
    for source in (PACKAGE / "web").rglob("*.py"):
        module = importlib.import_module(module_of(source))
        for name, model in vars(module).items():
            if not (isinstance(model, type) and issubclass(model, BaseModel)):
                continue
            if model.__module__ == module.__name__:
                base = model.__mro__[1]
                assert issubclass(base, BaseModel)
                assert base.model_fields, f"{name} does not extend a model of the API"
                assert not model.__annotations__.keys() & base.model_fields.keys(), name
                found += 1
    assert found


def test_numbers_days_and_prices_are_read_as_people_type_them() -> None:
    moved = Form(FormFields(Adjustment), {"change": ["−5"], "reason": [" Too many "]}).read()
    assert (moved.change, moved.reason) == (-5, "Too many")
    key = {"name": ["ERP"], "scopes": ["read", "tenants"], "expires_at": ["2030-02-28"]}
    made = Form(FormFields(NewApiKey), key).read()
    assert made.scopes == ["read", "tenants"]
    assert str(made.expires_at) == "2030-02-28 23:59:59+00:00"
    prices = FormFields(TierInput, cents=("unit_amount",), repeats=True)
    rows = Form(prices, {"from": ["1", "10"], "unit_amount": ["25", "17.5"]}).rows()
    assert [row.read().unit_amount for row in rows] == [2500, 1750]


@pytest.mark.parametrize("day", ["2030-02-30", "soon", "0000-00-00"])
def test_a_day_that_does_not_exist_is_refused(day: str) -> None:
    assert errors_of(FormFields(NewApiKey), expires_at=day)["expires_at"] == "A date, please."


@pytest.mark.parametrize("price", ["", "x", "-5", "0", "25.005", "1e3", "1000000", "１", "1."])
def test_a_price_has_at_most_two_decimals(price: str) -> None:
    prices = FormFields(TierInput, cents=("unit_amount",), repeats=True)
    errors = errors_of(prices, **{"from": "1", "unit_amount": price})
    assert errors == {"unit_amount": "A price like 17.50, please."}


def test_an_empty_field_clears_the_value_only_if_a_form_edits_it() -> None:
    typed = {"name": ["Bakery"], "contact_email": [""]}
    assert Form(FormFields(NewTenant), typed).read().model_fields_set == {"name"}
    changed = Form(FormFields(TenantChanges), {**typed, "slug": ["bakery"]}).read()
    assert changed.contact_email is None
    assert "contact_email" in changed.model_fields_set
    assert errors_of(FormFields(TenantChanges), name="", slug="bakery").keys() == {"name"}


def test_fields_that_the_form_does_not_have_are_never_read() -> None:
    """Otherwise, users could make themselves super admins on the page of their profile."""
    profile = FormFields(UserChanges, only=("name",))
    typed = {"name": ["Ann"], "is_super_admin": ["true"], "email": ["a@example.com"]}
    assert Form(profile, typed).read().model_dump(exclude_unset=True) == {"name": "Ann"}


def test_a_form_cannot_ask_for_an_object() -> None:
    assert "branding_config" not in FormFields(NewTenant).controls
    with pytest.raises(TypeError, match="branding_config"):
        FormFields(NewTenant, only=("name", "branding_config")).read_controls()
