"""What a template may say: text and `{{ }}` with names, a few operators and filters; it is read before it is run.

Nothing in it can repeat, call, import or look into Python's objects, so no template needs a budget of time.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError, Undefined, nodes
from jinja2.sandbox import SandboxedEnvironment

from incidents.adapters.templates.filters import FILTERS

Path = tuple[str, ...]  # a name in its parts: parameters, model
Expression = Callable[[Mapping[str, object]], object]

ROOTS = ("incident", "parameters", "prior", "prior_of", "rollback", "system")
_TESTS = frozenset({"defined", "none", "undefined"})
_LONGEST = 2_000  # characters of a template
_MOST_WORDS = 100  # in the expressions of one template: names, signs, texts
_DEEPEST = 10  # brackets in brackets
_PLAIN = (  # what means what it says
    nodes.Add,
    nodes.And,
    nodes.Compare,
    nodes.Concat,
    nodes.Neg,
    nodes.Not,
    nodes.Operand,
    nodes.Or,
    nodes.Pos,
    nodes.Sub,
)
_NAMED: dict[type[nodes.Node], str] = {  # what is refused, as its writer calls it
    nodes.Call: "a call",
    nodes.Dict: "a mapping",
    nodes.Div: "a division",
    nodes.FloorDiv: "a division",
    nodes.List: "a list",
    nodes.Mod: "the sign %",
    nodes.Mul: "a multiplication",
    nodes.Pow: "a power",
    nodes.Slice: "a slice",
    nodes.Tuple: "a list",
}
_SIGNS = {"block_begin": "{% %}", "raw_begin": "{% raw %}", "comment_begin": "{# #}"}
_MAY = "a template may hold {{ name }}, filters, comparisons, and, or, not, + and -"


class Wrong(Exception):
    """A template that is refused, in words for its writer."""

    def __init__(self, what: str, suggestion: str = "") -> None:
        super().__init__("; ".join(part for part in (what, suggestion) if part))
        self.what = what
        self.suggestion = suggestion


class _Sandbox(SandboxedEnvironment):
    """Finds names in mappings and lists alone: no attribute of a Python object can be asked for."""

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
        self.globals, self.filters = {}, dict(FILTERS)
        self.tests = {name: test for name, test in self.tests.items() if name in _TESTS}

    def getattr(self, obj: Any, attribute: str) -> Any:  # noqa: ANN401 - as the library has it
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:  # noqa: ANN401 - as the library has it
        if isinstance(obj, Mapping) and argument in obj:
            return obj[argument]
        listed = isinstance(obj, Sequence) and not isinstance(obj, str) and isinstance(argument, int)
        if listed and 0 <= argument < len(obj):
            return obj[argument]
        return self.undefined(name=str(argument))


_SANDBOX = _Sandbox()


@dataclass(frozen=True, slots=True)
class Template:
    """A text in pieces: what stands there as it is, and what is worked out."""

    pieces: tuple[str | Expression, ...]
    names: frozenset[Path] = field(default_factory=frozenset)

    @property
    def alone(self) -> Expression | None:
        """Its one expression, where it holds nothing else: its value keeps its type."""
        only = self.pieces[0] if len(self.pieces) == 1 else None
        return None if isinstance(only, str) else only


@lru_cache(maxsize=2048)
def read(text: str) -> Template:
    """The template in `text`, or Wrong."""
    if len(text) > _LONGEST:
        raise Wrong(f"a template of more than {_LONGEST} characters", "make it shorter")
    if "{{" not in text and "{%" not in text and "{#" not in text:
        return Template((text,) if text else ())
    try:
        _counted(text)
        tree = _SANDBOX.parse(text)
    except TemplateSyntaxError as error:
        raise Wrong(f"not a template: {error.message}", _MAY) from error
    pieces, names = list[str | Expression](), set[Path]()
    for node in (each for output in tree.body for each in output.iter_child_nodes()):
        if isinstance(node, nodes.TemplateData):
            pieces.append(node.data)
        elif isinstance(node, nodes.Expr):
            names |= set(_names(node))
            pieces.append(_compiled(node))
    return Template(tuple(pieces), frozenset(names))


def _counted(text: str) -> None:
    """Refuse what is too much to be read, and all that is more than an expression, before it is parsed."""
    words = deep = 0
    for _, kind, word in _SANDBOX.lex(text):
        if kind in _SIGNS:
            raise Wrong(f"{_SIGNS[kind]} is not allowed", _MAY)
        if kind in ("data", "whitespace"):
            continue
        words += 1
        deep += 1 if word in ("(", "[", "{") else -1 if word in (")", "]", "}") else 0
        if words > _MOST_WORDS or deep > _DEEPEST:
            raise Wrong("too much in one template", "make it simpler")


def _names(node: nodes.Node) -> Iterator[Path]:
    """Every name in an expression, once all of it is seen to be allowed."""
    if isinstance(node, nodes.Name | nodes.Getattr | nodes.Getitem):
        yield _name(node)
        return
    match node:
        case nodes.Const():
            return
        case nodes.Filter():
            _filter(node)
        case nodes.Test():
            if node.name not in _TESTS or node.args or node.kwargs:
                raise Wrong(f'no test "{node.name}"', f"the tests are {', '.join(sorted(_TESTS))}")
        case nodes.CondExpr():
            if node.expr2 is None:
                raise Wrong("an if without an else", "say what stands there otherwise: else ''")
        case _ if isinstance(node, _PLAIN):
            pass
        case _:
            raise Wrong(f"{_NAMED.get(type(node), type(node).__name__)} is not allowed", _MAY)
    for inner in node.iter_child_nodes():
        yield from _names(inner)


def _filter(node: nodes.Filter) -> None:
    if node.node is None or node.name not in FILTERS:
        raise Wrong(f'no filter "{node.name}"', nearest(node.name, FILTERS) or f"the filters are {', '.join(FILTERS)}")
    if node.kwargs or node.dyn_args is not None or node.dyn_kwargs is not None:
        raise Wrong(f"the filter {node.name} takes plain values only", "give them without a name")


def _name(node: nodes.Node) -> Path:
    match node:
        case nodes.Name(name=str(name)):
            if name not in ROOTS:
                raise Wrong(f'no name "{name}"', nearest(name, ROOTS) or f"names begin with {', '.join(ROOTS)}")
            return (name,)
        case nodes.Getattr():
            return (*_name(node.node), _part(node.attr))
        case nodes.Getitem(arg=nodes.Const(value=str() | int() as part)) if not isinstance(part, bool):
            return (*_name(node.node), _part(str(part)))
        case _:
            raise Wrong("a part of a name must be written out", "write parameters.model")


def _part(name: str) -> str:
    if name.startswith("__"):
        raise Wrong(f"{name} is no name", "name a value")
    return name


def nearest(word: str, known: Sequence[str] | Mapping[str, object]) -> str:
    """A question that names the nearest of the `known` words; empty where none is near."""
    found = get_close_matches(word, known, n=1, cutoff=0.6)
    return f'did you mean "{found[0]}"?' if found else ""


def _compiled(node: nodes.Expr) -> Expression:
    kept = nodes.Assign(nodes.Name("result", "store"), node, lineno=1)
    kept.set_environment(_SANDBOX)
    made = _SANDBOX.from_string(nodes.Template([kept], lineno=1))

    def worked_out(known: Mapping[str, object]) -> object:
        context = made.new_context(dict(known))
        for _ in made.root_render_func(context):
            pass
        return context.vars["result"]

    return worked_out


def is_known(value: object) -> bool:
    """Whether an expression came to something."""
    return not isinstance(value, Undefined)
