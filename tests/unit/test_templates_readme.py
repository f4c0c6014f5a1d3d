"""The templates' README lists every folder, component, and name that templates can use."""

import re

from jinja2 import Environment

from chalicelib.web.shell import rendering
from chalicelib.web.shell.layout_context import layout_context
from chalicelib.web.shell.theme import PageTheme
from tests.support import templates

README = (templates.FOLDER / "README.md").read_text()
COMPONENT = re.compile(r"components/(\w+)\.html")


def rows(heading: str) -> dict[str, set[str]]:
    """Return the names in the second column of a section's table, by the first column."""
    section = README.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    _, _, *lines = re.findall(r"^\| (.+?) \| (.+) \|$", section, re.MULTILINE)
    return {
        first.strip("`"): set(re.findall(r"`(\w+)(?:\([^`]*\))?`(?! →)", rest))
        for first, rest in lines
    }


def test_every_folder_is_listed() -> None:
    folders = {f"{path.name}/" for path in templates.FOLDER.iterdir() if path.is_dir()}
    assert set(re.findall(r"^\| `(\w+/)` \|", README, re.MULTILINE)) == folders


def test_every_component_is_listed_with_the_macros_that_other_templates_call() -> None:
    used = {found[1]: set[str]() for name in templates.names() if (found := COMPONENT.match(name))}
    for call in templates.calls():
        name, macro = call.macro
        if (found := COMPONENT.match(name)) and call.user != name:
            used[found[1]].add(macro)
    assert rows("Components") == used


def test_every_name_that_templates_can_use_is_listed(tables: None) -> None:
    listed = rows("In every template")
    environment, standard = rendering.environment(), Environment(autoescape=True)
    context = layout_context(None, None, None, PageTheme(None))
    assert listed["globals"] == environment.globals.keys() - standard.globals.keys()
    assert listed["filters"] == environment.filters.keys() - standard.filters.keys()
    assert listed["context"] | listed["after an error in a form"] == {*context, "page_title"}
