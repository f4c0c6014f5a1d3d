"""Find code that takes a text for people apart, compares it, or looks something up by it."""

import ast
from collections.abc import Iterator

# Attributes and keys that hold a text for people, wherever they occur.
TEXTS = frozenset(
    {"message", "msg", "detail", "description", "what", "why", "outcome", "status_reason"}
    | {"note", "last_error", "log_detail", "user_message", "words", "sentence"}
)
# Attributes that map something to such texts.
TEXTS_BY_KEY = frozenset({"actions"})
# Functions that return one, and methods that return the text they are called on, changed a little.
WORDING = frozenset({"text_of", "lines_of", "plain", "linked", "error_message"})
PASSED_ON = frozenset({"strip", "lower", "upper", "casefold", "encode", "format", "join"})
# Methods and functions that look into a text, or at it.
TAKING_APART = frozenset(
    {"startswith", "endswith", "removeprefix", "removesuffix", "replace", "translate", "index"}
    | {"split", "rsplit", "splitlines", "partition", "rpartition", "find", "rfind", "rindex"}
    | {"match", "fullmatch", "search", "sub", "findall", "finditer", "get", "count"}
)


def text_uses(tree: ast.AST) -> Iterator[ast.expr | ast.Match]:
    """Yield the places in a module that use a text as data. A text can be in a variable first."""
    for scope in ast.walk(tree):
        if isinstance(scope, ast.Module | ast.FunctionDef):
            yield from _Scope(scope).uses()


class _Scope:
    """A function or module, without the functions in it."""

    def __init__(self, scope: ast.Module | ast.FunctionDef) -> None:
        self._nodes = list(_own_nodes(scope))
        handlers = [node for node in self._nodes if isinstance(node, ast.ExceptHandler)]
        self._errors = {handler.name for handler in handlers if handler.name} | _error_names(scope)
        self._variables = given = _text_parameters(scope)
        while (found := given | self._assigned()) != self._variables:
            self._variables = found

    def uses(self) -> Iterator[ast.expr | ast.Match]:
        for node in self._nodes:
            match node:
                case ast.Compare(left=left, ops=ops, comparators=others):
                    operands = [left, *others]
                    only_presence = all(isinstance(op, ast.Is | ast.IsNot) for op in ops)
                    if not only_presence and any(map(self._is_text, operands)):
                        yield node
                case ast.Call(func=ast.Attribute(value=value, attr=name), args=args):
                    if name in TAKING_APART and any(map(self._is_text, [value, *args])):
                        yield node
                case ast.Subscript(value=value, slice=index):
                    is_character = self._is_text(value) and not isinstance(index, ast.Slice)
                    if self._is_text(index) or is_character:
                        yield node
                case ast.Match(subject=subject):
                    if self._is_text(subject):
                        yield node

    def _assigned(self) -> set[str]:
        """Return the variables to which a text is assigned."""
        found: set[str] = set()
        for node in self._nodes:
            match node:
                case ast.Assign(targets=targets, value=value) if self._is_text(value):
                    found |= {t.id for t in targets if isinstance(t, ast.Name)}
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) | (
                    ast.NamedExpr(target=ast.Name(id=name), value=value)
                ) if self._is_text(value):
                    found.add(name)
                case ast.For(target=ast.Name(id=name), iter=value) | (
                    ast.comprehension(target=ast.Name(id=name), iter=value)
                ) if self._is_text(value):
                    found.add(name)
        return found

    def _is_text(self, node: ast.expr) -> bool:
        match node:
            case ast.Name(id=name):
                return name in self._variables
            case ast.Attribute(attr=name) | ast.Subscript(slice=ast.Constant(value=name)):
                return name in TEXTS
            case ast.Subscript(value=ast.Attribute(attr=name)) if name in TEXTS_BY_KEY:
                return True
            case ast.Call():
                return self._is_text_from_call(node)
        return any(map(self._is_text, _parts(node)))

    def _is_text_from_call(self, call: ast.Call) -> bool:
        match call:
            case ast.Call(func=ast.Name(id="str" | "repr"), args=[ast.Name(id=name)]):
                return name in self._errors or name in self._variables
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in WORDING:
                return True
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr=name), attr="get")):
                return name in TEXTS_BY_KEY
            case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in PASSED_ON:
                return any(map(self._is_text, [value, *call.args]))
        return False


def _parts(node: ast.expr) -> list[ast.expr]:
    """Return the parts of an expression that its value consists of."""
    match node:
        case ast.Subscript(value=value, slice=ast.Slice()):
            return [value]
        case ast.JoinedStr(values=parts) | ast.BoolOp(values=parts):
            return parts
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return parts
        case ast.FormattedValue(value=value) | ast.Starred(value=value):
            return [value]
        case ast.BinOp(left=left, right=right) | ast.IfExp(body=left, orelse=right):
            return [left, right]
        case ast.GeneratorExp(elt=element) | ast.ListComp(elt=element):
            return [element]
    return []


def _own_nodes(scope: ast.Module | ast.FunctionDef) -> Iterator[ast.AST]:
    pending: list[ast.AST] = list(ast.iter_child_nodes(scope))
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, ast.FunctionDef):
            pending += ast.iter_child_nodes(node)


def _error_names(scope: ast.Module | ast.FunctionDef) -> set[str]:
    """Return the parameters that are errors, by their annotation."""
    kinds = ("Error", "Exception", "Refused", "Unavailable", "Conflict", "Failure")
    return {name for name, annotation in _parameters(scope) if annotation.endswith(kinds)}


def _text_parameters(scope: ast.Module | ast.FunctionDef) -> set[str]:
    """Return the parameters that are texts, by their names."""
    return {name for name, annotation in _parameters(scope) if annotation == "str"} & TEXTS


def _parameters(scope: ast.Module | ast.FunctionDef) -> list[tuple[str, str]]:
    if isinstance(scope, ast.Module):
        return []
    arguments = [*scope.args.args, *scope.args.kwonlyargs]
    return [(a.arg, ast.unparse(a.annotation)) for a in arguments if a.annotation is not None]
