"""Valid slugs and names, and search keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.names import check_slug, clean_text, search_key, slugify


@pytest.mark.parametrize("slug", ["abc", "acme-corp", "a-1", "0-0", "9" * 63, "a-b-c-d"])
def test_valid_slugs_are_accepted(slug: str) -> None:
    assert check_slug(slug) == slug


@pytest.mark.parametrize(
    "slug",
    [
        "",
        "ab",
        "a" * 64,
        "Acme",
        "acme corp",
        "acme_corp",
        "acme--corp",
        "-acme",
        "acme-",
        "acmé",
        "acme.corp",
        "acme\n",
        "١٢٣",  # Unicode digits outside ASCII
        "acme/corp",
    ],
)
def test_invalid_slugs_are_refused(slug: str) -> None:
    with pytest.raises(ValueError, match="3 to 63 lowercase"):
        check_slug(slug)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Blue Bottle Bakery", "blue-bottle-bakery"),
        ("  Café – Zürich & Söhne  ", "cafe-zurich-sohne"),
        ("A/B", "a-b"),
        ("株式会社", "fallback"),
        ("X", "fallback"),
        ("!!!", "fallback"),
        ("ﬁne", "fine"),
        ("a" * 49 + " b", "a" * 49),
    ],
)
def test_slugify(name: str, slug: str) -> None:
    assert slugify(name, "fallback") == slug


@given(st.text(max_size=200))
def test_slugify_returns_a_valid_slug_for_any_name(name: str) -> None:
    slug = slugify(name, "fallback")
    assert check_slug(slug) == slug
    assert check_slug(f"{slug}-0123abcd") == f"{slug}-0123abcd", "leaves room for a unique suffix"


@pytest.mark.parametrize(
    "text",
    [
        "a\x00b",
        "a\nb",
        "\x7f",
        "a\u202eb",
        "\u200b",
        "\ufeffa",
        "a\u2028b",
        "\ud800",
        "\ue000",
        "a\u00adb",
        "a\u2062b",
        "a\u206ab",
        "a\ufff9b",
        "a\u180eb",
        "a\U000e0041",
        "a\U0001d173",
        "a\u034fb",
        "\u115f",
        "\u3164",
        "\uffa0",
        "\u2800",
    ],
)
def test_unsafe_characters_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not allowed"):
        clean_text(text)


@pytest.mark.parametrize("text", ["\u200d", "\u200c\u200d", "\ufe0f", "\u0301", "\U000e0100"])
def test_text_without_a_visible_character_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="letter, digit, or symbol"):
        clean_text(text)


@pytest.mark.parametrize("text", ["👩‍💻", "☎️", "नमस्ते", "می‌خواهم", "؁٣", "C++", "3M", "¥", "葛󠄀城"])
def test_text_in_any_script_or_of_symbols_is_accepted(text: str) -> None:
    assert clean_text(text) == text


@pytest.mark.parametrize("text", ["", " ", "\t\n ", "\u3000", "\u00a0"])
def test_blank_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="empty"):
        clean_text(text)


def test_text_is_trimmed_and_normalized() -> None:
    assert clean_text("  Cafe\u0301 ") == "Café"
    assert clean_text("क्‍ष") == "क्‍ष", "keeps a joiner that the script needs"


@given(st.text())
def test_cleaning_text_is_idempotent(text: str) -> None:
    try:
        cleaned = clean_text(text)
    except ValueError:
        return
    assert clean_text(cleaned) == cleaned
    assert cleaned.strip() == cleaned != ""


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=600))
def test_a_search_key_fits_in_an_index_key(text: str) -> None:
    assert len(f"{search_key(text)}#tnt_01JD0000000000000000000000".encode()) <= 1024


def test_the_search_key_of_the_longest_expansion_fits() -> None:
    assert len(search_key("\ufdfa" * 200).encode()) <= 900


@given(st.text(max_size=50), st.integers(0, 50))
def test_a_prefix_of_a_name_finds_it(name: str, length: int) -> None:
    start = name[:length]
    if search_key(name).startswith(search_key(start)):
        return
    # Unicode composition can join the characters on either side of the cut. There must be no other
    # reason for a prefix not to match.
    assert search_key(name) != search_key(start) + search_key(name[length:])


def test_search_keys_ignore_case_and_width() -> None:
    assert search_key("ＡＣＭＥ Straße") == search_key("acme STRASSE")
