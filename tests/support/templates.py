"""The templates' syntax trees: which macros they define and call, and which variables they read."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, meta, nodes

from chalicelib.services.mail import compose
from chalicelib.web.shell import rendering

FOLDER = rendering.WEB / "templates"
MAIL = "mail/"
Macro = tuple[str, str]
"""A macro's template and name."""


def environments() -> list[Environment]:
    return [rendering.environment(), compose._environment()]


@cache
def names() -> list[str]:
    """Return every template's path in the templates folder."""
    files = (path for path in FOLDER.rglob("*") if path.suffix in (".html", ".txt"))
    return sorted(str(path.relative_to(FOLDER)) for path in files)


@cache
def tree(name: str) -> nodes.Template:
    return rendering.environment().parse((FOLDER / name).read_text("utf-8"))


def pages() -> set[str]:
    """Return the templates of pages and error pages, which no other template extends or imports."""
    related = {other for name in names() for other in (*_parents(name), *_imports(name))}
    return {name for name in names() if name not in related and not name.startswith(MAIL)}


def resolve(name: str, user: str) -> str:
    """Return the path of the template that `user` calls `name`. Mail templates have a loader."""
    return f"{MAIL}{name}" if user.startswith(MAIL) else name


@cache
def macros() -> dict[Macro, nodes.Macro]:
    return {(name, m.name): m for name in names() for m in tree(name).find_all(nodes.Macro)}


@dataclass(frozen=True, slots=True)
class MacroCall:
    """A call of a macro in the template `user`. With a block, the call passes `caller`."""

    macro: Macro
    user: str
    call: nodes.Call
    has_block: bool


@cache
def calls() -> list[MacroCall]:
    return list(_calls())


def _calls() -> Iterator[MacroCall]:
    known = macros()
    for name in names():
        with_block = {id(block.call) for block in tree(name).find_all(nodes.CallBlock)}
        for call in tree(name).find_all(nodes.Call):
            called = _called(name, call.node)
            if called in known:
                yield MacroCall(called, name, call, id(call) in with_block)


def _called(name: str, function: nodes.Expr) -> Macro:
    """Return the macro that an expression names: `icon`, or `ui.badge`."""
    if isinstance(function, nodes.Name):
        for imported in tree(name).find_all(nodes.FromImport):
            if function.name in imported.names:
                return resolve(_constant(imported.template), name), function.name
        return name, function.name
    if isinstance(function, nodes.Getattr) and isinstance(function.node, nodes.Name):
        for template in (name, *_parents(name)):
            for module in tree(template).find_all(nodes.Import):
                if module.target == function.node.name:
                    return resolve(_constant(module.template), name), function.attr
    return "", ""


def argument(macro: nodes.Macro, call: nodes.Call, parameter: str) -> nodes.Expr | None:
    """Return what a call passes for a parameter, or None."""
    place = [argument.name for argument in macro.args].index(parameter)
    if place < len(call.args):
        return call.args[place]
    return next((given.value for given in call.kwargs if given.key == parameter), None)


def defaults(macro: nodes.Macro) -> dict[str, nodes.Expr]:
    optional = macro.args[len(macro.args) - len(macro.defaults) :]
    return {a.name: value for a, value in zip(optional, macro.defaults, strict=True)}


@cache
def variables(name: str) -> frozenset[str]:
    """Return the context variables that a template reads: in itself, its parents, and its imports.

    The variables that it sets are not among them.
    """
    read = set(meta.find_undeclared_variables(tree(name)))
    read = read.union(*(variables(related) for related in (*_parents(name), *_imports(name))))
    assigned = set().union(*map(_assigned, (name, *_parents(name))))
    return frozenset(read - assigned - rendering.environment().globals.keys())


def _assigned(name: str) -> set[str]:
    root = tree(name)
    imported = {i.target for i in root.find_all(nodes.Import)}
    imported |= {str(n) for i in root.find_all(nodes.FromImport) for n in i.names}
    stored = {n.name for n in root.find_all(nodes.Name) if n.ctx in ("store", "param")}
    return imported | stored | {m.name for m in root.find_all(nodes.Macro)}


def _parents(name: str) -> list[str]:
    found: list[str] = []
    for extends in tree(name).find_all(nodes.Extends):
        parts = [extends.template, *extends.template.find_all(nodes.Const)]
        found += [resolve(p.value, name) for p in parts if isinstance(p, nodes.Const)]
    return [*dict.fromkeys(found)]


def _imports(name: str) -> list[str]:
    kinds = (nodes.Import, nodes.FromImport, nodes.Include)
    found: Iterator[nodes.Import | nodes.FromImport | nodes.Include] = tree(name).find_all(kinds)
    return [resolve(_constant(i.template), name) for i in found]


def _constant(expression: nodes.Expr) -> str:
    assert isinstance(expression, nodes.Const)
    return str(expression.value)
