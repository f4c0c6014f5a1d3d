"""Branding rules for arbitrary values: inheritance, contrast, and safe stylesheets."""

import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from chalicelib.domain.branding import (
    DEFAULT_BRANDING,
    FIELDS,
    OwnFields,
    Source,
    check_document,
    contrast_problems,
    find_low_contrast,
    inherit,
    stylesheet,
    valid_fields,
)
from chalicelib.domain.colors import AA_TEXT, contrast, nearest_readable, readable_on
from chalicelib.domain.safe_urls import check_https_url
from tests.support.hostile_values import REFUSED

property_test = settings(deadline=None, database=None)
COLORS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
VALUES = {
    **dict.fromkeys(FIELDS, st.sampled_from(["https://a.example/1", "https://b.example/2"])),
    **{name: COLORS for name in FIELDS if name.endswith("_color")},
    "product_name": st.sampled_from(["Acme", "Globex", "株式会社"]),
    "support_email": st.sampled_from(["help@a.example", "help@b.example"]),
}
DOCUMENTS: st.SearchStrategy[OwnFields] = st.fixed_dictionaries({}, optional=VALUES)
HOSTILE = st.sampled_from(sorted({value for values in REFUSED.values() for value in values}))
ANYTHING = st.text() | HOSTILE | st.none() | st.integers() | st.lists(st.text(), max_size=2)


@property_test
@given(DOCUMENTS, DOCUMENTS, DOCUMENTS)
def test_a_field_comes_from_the_most_specific_level(
    platform: OwnFields, reseller: OwnFields, tenant: OwnFields
) -> None:
    effective = inherit(platform, reseller, tenant)
    for name in FIELDS:
        levels = {Source.TENANT: tenant, Source.RESELLER: reseller, Source.PLATFORM: platform}
        setters = [source for source, own in levels.items() if name in own]
        assert effective.sources[name] == (setters[0] if setters else Source.PLATFORM)
        expected = levels[setters[0]][name] if setters else DEFAULT_BRANDING.get(name)
        assert effective.values[name] == expected


@property_test
@given(DOCUMENTS, DOCUMENTS, DOCUMENTS, st.sampled_from(sorted(FIELDS)))
def test_an_unset_field_is_inherited(
    platform: OwnFields, reseller: OwnFields, tenant: OwnFields, name: str
) -> None:
    tenant.pop(name, None)
    above, below = inherit(platform, reseller), inherit(platform, reseller, tenant)
    assert (below.values[name], below.sources[name]) == (above.values[name], above.sources[name])
    reseller[name] = inherit(reseller=None, platform={name: "inherited"}).values[name] or ""
    assert inherit(platform, reseller, tenant).values[name] == "inherited"


@property_test
@given(DOCUMENTS)
def test_a_valid_document_is_stored_unchanged(document: OwnFields) -> None:
    own, problems = check_document(document)
    assert own == document
    assert valid_fields(own) == own
    assert problems == []


@property_test
@given(DOCUMENTS, DOCUMENTS, DOCUMENTS)
def test_an_edit_that_makes_text_unreadable_is_refused(
    above: OwnFields, old: OwnFields, own: OwnFields
) -> None:
    """An edit is refused only if it causes low contrast, and the suggested color passes."""
    inherited = inherit(above).values
    before, after = inherit(above, old).values, inherit(above, own).values
    problems = contrast_problems(own, inherited, before)
    pair = ("text_color", "background_color")
    caused_by_edit = any(n in own for n in pair) and any(before[n] != after[n] for n in pair)
    assert bool(problems) == (caused_by_edit and find_low_contrast(after) != [])
    for problem in problems:
        assert problem.field in own
        suggested = re.findall(r"#[0-9a-f]{6}", problem.message)[-1]
        assert contrast_problems({**own, problem.field: suggested}, inherited, before) == []


@property_test
@given(st.dictionaries(st.sampled_from(sorted(FIELDS)) | st.text(), ANYTHING) | ANYTHING)
def test_any_stored_document_is_readable(stored: object) -> None:
    own = valid_fields(stored)
    assert own.keys() <= FIELDS.keys()
    assert valid_fields(own) == own


@property_test
@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), st.text() | HOSTILE))
@example({"login_background_url": 'https://a.example/"}</style>'})
@example({"login_background_url": "https://a.example/\\22"})
def test_a_stylesheet_contains_only_colors_and_one_url(values: dict[str, str]) -> None:
    value = r'(?:#[0-9a-f]{6}|url\("https://[A-Za-z0-9._~:/?#@!$&*+;=%-]+"\))'
    sheet = stylesheet(values)
    assert re.fullmatch(rf":root\{{(?:--brand-[a-z-]+:{value};)*\}}\n", sheet), sheet
    assert sheet.isascii()


@property_test
@given(DOCUMENTS, DOCUMENTS)
def test_text_in_a_stylesheet_is_always_readable(reseller: OwnFields, tenant: OwnFields) -> None:
    sheet = stylesheet(inherit({}, reseller, tenant).values)
    found = dict(re.findall(r"--brand-(text|background):(#[0-9a-f]{6})", sheet))
    if len(found) == 2:
        assert readable_on(found["text"], found["background"])


@property_test
@given(COLORS, COLORS)
@example("#777777", "#ffffff")
def test_the_suggested_color_passes_and_passing_colors_are_kept(text: str, background: str) -> None:
    suggested = nearest_readable(text, background)
    assert contrast(suggested, background) >= AA_TEXT
    assert (suggested == text) == (contrast(text, background) >= AA_TEXT)
    assert find_low_contrast({"text_color": suggested, "background_color": background}) == []


@property_test
@given(COLORS)
def test_black_or_white_is_readable_on_every_color(background: str) -> None:
    assert readable_on("#000000", background) or readable_on("#ffffff", background)


@property_test
@given(st.text() | st.text().map("https://a.example/".__add__) | HOSTILE)
def test_a_url_is_refused_or_becomes_plain_ascii(text: str) -> None:
    try:
        url = check_https_url(text)
    except ValueError:
        return
    assert re.fullmatch(r"https://[a-z0-9.-]+(:\d+)?([/?#][A-Za-z0-9._~:/?#@!$&*+;=%-]*)?", url)
    assert check_https_url(url) == url
