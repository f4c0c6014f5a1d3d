"""Branding's rules for all values: inheritance, contrast, and a stylesheet nothing breaks."""

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

rule = settings(deadline=None, database=None)
COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
VALUES = {
    **dict.fromkeys(FIELDS, st.sampled_from(["https://a.example/1", "https://b.example/2"])),
    **{name: COLOURS for name in FIELDS if name.endswith("_color")},
    "product_name": st.sampled_from(["Acme", "Globex", "株式会社"]),
    "support_email": st.sampled_from(["help@a.example", "help@b.example"]),
}
DOCUMENTS: st.SearchStrategy[OwnFields] = st.fixed_dictionaries({}, optional=VALUES)
HOSTILE = st.sampled_from(sorted({value for values in REFUSED.values() for value in values}))
ANYTHING = st.text() | HOSTILE | st.none() | st.integers() | st.lists(st.text(), max_size=2)


@rule
@given(DOCUMENTS, DOCUMENTS, DOCUMENTS)
def test_a_field_is_its_nearest_levels(
    platform: OwnFields, reseller: OwnFields, tenant: OwnFields
) -> None:
    effective = inherit(platform, reseller, tenant)
    for name in FIELDS:
        levels = {Source.TENANT: tenant, Source.RESELLER: reseller, Source.PLATFORM: platform}
        setting = [source for source, own in levels.items() if name in own]
        assert effective.sources[name] == (setting[0] if setting else Source.PLATFORM)
        expected = levels[setting[0]][name] if setting else DEFAULT_BRANDING.get(name)
        assert effective.values[name] == expected


@rule
@given(DOCUMENTS, DOCUMENTS, DOCUMENTS, st.sampled_from(sorted(FIELDS)))
def test_a_reset_field_really_inherits(
    platform: OwnFields, reseller: OwnFields, tenant: OwnFields, name: str
) -> None:
    tenant.pop(name, None)
    above, below = inherit(platform, reseller), inherit(platform, reseller, tenant)
    assert (below.values[name], below.sources[name]) == (above.values[name], above.sources[name])
    reseller[name] = inherit(reseller=None, platform={name: "it"}).values[name] or ""
    assert inherit(platform, reseller, tenant).values[name] == "it"


@rule
@given(DOCUMENTS)
def test_what_is_kept_reads_as_it_was_kept(document: OwnFields) -> None:
    own, problems = check_document(document)
    assert own == document
    assert valid_fields(own) == own
    assert problems == []


@rule
@given(DOCUMENTS, DOCUMENTS, DOCUMENTS)
def test_no_edit_leaves_a_text_of_its_own_unreadable(
    above: OwnFields, was: OwnFields, own: OwnFields
) -> None:
    """Refused, or readable, or none of this edit's doing; and what is suggested passes."""
    inherited = inherit(above).values
    before, after = inherit(above, was).values, inherit(above, own).values
    problems = contrast_problems(own, inherited, before)
    pair = ("text_color", "background_color")
    is_its_doing = any(n in own for n in pair) and any(before[n] != after[n] for n in pair)
    assert bool(problems) == (is_its_doing and find_low_contrast(after) != [])
    for problem in problems:
        assert problem.field in own
        suggested = re.findall(r"#[0-9a-f]{6}", problem.message)[-1]
        assert contrast_problems({**own, problem.field: suggested}, inherited, before) == []


@rule
@given(st.dictionaries(st.sampled_from(sorted(FIELDS)) | st.text(), ANYTHING) | ANYTHING)
def test_any_stored_document_can_be_read(stored: object) -> None:
    own = valid_fields(stored)
    assert own.keys() <= FIELDS.keys()
    assert valid_fields(own) == own


@rule
@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), st.text() | HOSTILE))
@example({"login_background_url": 'https://a.example/"}</style>'})
@example({"login_background_url": "https://a.example/\\22"})
def test_a_stylesheet_holds_nothing_but_colours_and_one_url(values: dict[str, str]) -> None:
    value = r'(?:#[0-9a-f]{6}|url\("https://[A-Za-z0-9._~:/?#@!$&*+;=%-]+"\))'
    sheet = stylesheet(values)
    assert re.fullmatch(rf":root\{{(?:--brand-[a-z-]+:{value};)*\}}\n", sheet), sheet
    assert sheet.isascii()


@rule
@given(DOCUMENTS, DOCUMENTS)
def test_a_stylesheets_text_is_always_readable(reseller: OwnFields, tenant: OwnFields) -> None:
    sheet = stylesheet(inherit({}, reseller, tenant).values)
    found = dict(re.findall(r"--brand-(text|background):(#[0-9a-f]{6})", sheet))
    if len(found) == 2:
        assert readable_on(found["text"], found["background"])


@rule
@given(COLOURS, COLOURS)
@example("#777777", "#ffffff")
def test_the_suggested_colour_passes_and_what_passes_stays(text: str, background: str) -> None:
    suggested = nearest_readable(text, background)
    assert contrast(suggested, background) >= AA_TEXT
    assert (suggested == text) == (contrast(text, background) >= AA_TEXT)
    assert find_low_contrast({"text_color": suggested, "background_color": background}) == []


@rule
@given(COLOURS)
def test_black_or_white_can_be_read_on_every_colour(background: str) -> None:
    assert readable_on("#000000", background) or readable_on("#ffffff", background)


@rule
@given(st.text() | st.text().map("https://a.example/".__add__) | HOSTILE)
def test_an_address_is_refused_or_plain(text: str) -> None:
    try:
        url = check_https_url(text)
    except ValueError:
        return
    assert re.fullmatch(r"https://[a-z0-9.-]+(:\d+)?([/?#][A-Za-z0-9._~:/?#@!$&*+;=%-]*)?", url)
    assert check_https_url(url) == url
