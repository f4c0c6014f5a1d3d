"""Pages name their template and their menu entry in full, so that a search finds them."""

import ast
import re

from chalicelib.web.shell.menu import MenuEntry
from tests.support.source_layout import PACKAGE


def test_the_menu_has_each_entry_once() -> None:
    """mypy refuses a page that names another one."""
    template = (PACKAGE / "web" / "templates" / "components" / "nav.html").read_text()
    items = re.findall(r'item\("[^"]+", "[^"]+", "[^"]+", "([^"]+)", current', template)
    person = re.findall(r'nav_current == "([^"]+)"', template)
    assert sorted([*items, *person]) == sorted(MenuEntry)


def test_no_name_of_a_template_is_put_together() -> None:
    """tests/integration/contract/test_page_templates.py renders every template."""
    for source in (PACKAGE / "web").rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.JoinedStr | ast.BinOp):
                assert ".html" not in ast.unparse(node), f"{source}:{node.lineno}"
