"""A condition on a row's columns: `judge_agrees and judge_probability >= 0.9`. It is parsed, never run as code."""

from __future__ import annotations

import ast
import difflib
import operator
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from typing import Any

from judgebench.errors import ConfigError
from judgebench.sources.cellvalues import MOST_FIELDS, Kind, alike, date_of, equal, kind_of, plain

Test = Callable[[Mapping[str, Any]], Any]
"""From a row to a value; None stands for null."""

EXAMPLE = "judge_consistent and judge_probability >= 0.9"

_CONSTANTS = {"null": None, "none": None, "true": True, "false": False}
_COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_CALCULATED: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_DEEPEST = 100
_GRAMMAR = (
    "columns (col('my column')), numbers, 'text', == != < <= > >=, in, is null, and, or, not, + - * /, len(), abs()"
)


@dataclass(frozen=True)
class Clause:
    """One of the parts of a condition that must all hold.

    Attributes:
        text: As the user wrote it.
        test: True, False, or None where it cannot be said, since a cell is empty.
    """

    text: str
    test: Test


class Condition:
    """A condition on the columns of a row, such as `source in ("chat", "code") and not judge_failure is null`.

    A comparison with an empty cell is neither true nor false, as in SQL; `is null` and `is not null` ask for one.
    `a.b` is the field `b` of the object in column `a`; `col("my column")` a column whose name is no plain word.

    >>> keep = Condition("source == 'chat' and margin > 0.5")
    >>> sorted(keep.columns), keep({"source": "chat", "margin": 0.7}), keep({"source": "chat", "margin": None})
    (['margin', 'source'], True, None)

    Args:
        text: What the user wrote.
        option: The option that gave it, for messages.

    Attributes:
        columns: The columns that it names.
        clauses: The parts that must all hold, in order.

    Raises:
        ConfigError: It cannot be parsed.
    """

    def __init__(self, text: str, option: str = "--keep") -> None:
        self.text, self._option = text, option
        try:
            tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise self._wrong(self._syntax(error)) from None
        self._tree = tree
        self._kinds: dict[str, Kind] = {}
        self._numeric: Collection[str] = ()
        self._fields: Mapping[str, Collection[str]] = {}
        self.columns: dict[str, None] = {}
        every = tree.values if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And) else [tree]
        if _depth(tree) > _DEEPEST:
            raise self._wrong("is nested too deeply: write shorter parts, joined by and, or")
        self._made = [self._truth(each) for each in every]
        said = [ast.get_source_segment(text.strip(), each) or ast.unparse(each) for each in every]
        self.clauses = tuple(Clause(name, test) for name, test in zip(said, self._made, strict=True))

    def __call__(self, row: Mapping[str, Any]) -> bool | None:
        """Whether it holds for a row; None where that cannot be said."""
        found: bool | None = True
        for clause in self.clauses:
            holds = clause.test(row)
            if holds is False:
                return False
            found = None if holds is None else found
        return found

    def first_unmet(self, row: Mapping[str, Any]) -> str:
        """The first clause that is not true; empty where all are."""
        return next((clause.text for clause in self.clauses if clause.test(row) is not True), "")

    def check(
        self,
        kinds: Mapping[str, Kind],
        numeric: Collection[str] = (),
        fields: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        """Finds out whether there are such columns, and whether what is compared can be.

        Args:
            kinds: What each column holds.
            numeric: Columns of text whose every cell is a number, which then count as such.
            fields: The fields that objects have, see `note_fields`.

        Raises:
            ConfigError: A name or a comparison is wrong; the message names the columns that there are.
        """
        for name in self.columns:
            if name not in kinds:
                raise self._wrong(_unknown(name, kinds))
        self._kinds = {**kinds, **dict.fromkeys(numeric, "number")}
        self._numeric = frozenset(numeric)
        self._fields = fields or {}
        self._need(self._tree, "boolean")

    def _wrong(self, what: str) -> ConfigError:
        return ConfigError(f"{self._option} {self.text!r}: {what}")

    def _syntax(self, error: Exception) -> str:
        text = self.text.strip()
        if not text:
            return f"is empty; write a condition, such as {EXAMPLE}"
        at = getattr(error, "offset", None)
        near = f" at character {at}" if at else ""
        if "=" in text.replace("==", "").replace("!=", "").replace("<=", "").replace(">=", ""):
            return f"cannot be parsed{near}: equality is written =="
        if any(f" {word} " in f" {text} " for word in ("AND", "OR", "NOT", "IN", "IS")):
            return f"cannot be parsed{near}: and, or, not, in and is are written in lower case"
        if "&&" in text or "||" in text:
            return f"cannot be parsed{near}: write and, or"
        return f"cannot be parsed{near}; it may have {_GRAMMAR}"

    # --- from the text to a function of a row

    def _truth(self, node: ast.expr) -> Test:
        """A part that is true, false or null."""
        match node:
            case ast.BoolOp(op=ast.And(), values=values):
                tests = [self._truth(each) for each in values]
                return lambda row: _all(test(row) for test in tests)
            case ast.BoolOp(values=values):
                tests = [self._truth(each) for each in values]
                return lambda row: _any(test(row) for test in tests)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                test = self._truth(operand)
                return lambda row: None if (holds := test(row)) is None else not holds
            case ast.Compare(left=left, ops=ops, comparators=others):
                sides = [self._value(left), *(self._value(each) for each in others)]
                pairs = [_comparison(op, one, other) for op, one, other in zip(ops, sides[:-1], sides[1:], strict=True)]
                return pairs[0] if len(pairs) == 1 else lambda row: _all(test(row) for test in pairs)
            case ast.Name() | ast.Attribute() | ast.Subscript() | ast.Call() | ast.Constant(value=bool()):
                value = self._value(node)
                return lambda row: found if isinstance(found := value(row), bool) else None
        raise self._wrong(f"{ast.unparse(node)} is neither true nor false; compare it, as in {EXAMPLE}")

    def _value(self, node: ast.expr) -> Test:
        """A part that has a value."""
        match node:
            case ast.Constant(value=value) if value is None or isinstance(value, str | int | float):
                return lambda _: value
            case ast.Name(id=name) if name.casefold() in _CONSTANTS:
                constant = _CONSTANTS[name.casefold()]
                return lambda _: constant
            case ast.Name(id=name):
                return self._column(name)
            case ast.Call(func=ast.Name(id="col"), args=[ast.Constant(value=str(name))], keywords=[]):
                return self._column(name)
            case ast.Attribute(value=inner, attr=name):
                return _part(self._value(inner), name)
            case ast.Subscript(value=inner, slice=ast.Constant(value=str() | int() as at)):
                return _part(self._value(inner), at)
            case ast.Subscript(value=inner, slice=ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(at)))):
                return _part(self._value(inner), -at)
            case ast.List(elts=values) | ast.Tuple(elts=values) | ast.Set(elts=values):
                if all(isinstance(each, ast.Constant) for each in values):
                    constants = [each.value for each in values if isinstance(each, ast.Constant)]
                    return lambda _: constants
                every = [self._value(each) for each in values]
                return lambda row: [each(row) for each in every]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner_value = self._value(operand)
                return lambda row: -found if _is_number(found := inner_value(row)) else None
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _CALCULATED:
                return _calculation(_CALCULATED[type(op)], self._value(left), self._value(right))
            case ast.Call(func=ast.Name(id="len"), args=[argument], keywords=[]):
                measured = self._value(argument)
                return lambda row: len(found) if isinstance(found := measured(row), str | list | tuple) else None
            case ast.Call(func=ast.Name(id="abs"), args=[argument], keywords=[]):
                number = self._value(argument)
                return lambda row: abs(found) if _is_number(found := number(row)) else None
            case ast.BoolOp() | ast.Compare() | ast.UnaryOp(op=ast.Not()):
                return self._truth(node)
        raise self._wrong(f"{ast.unparse(node)} cannot be used; it may have {_GRAMMAR}")

    def _column(self, name: str) -> Test:
        self.columns[name] = None

        def cell(row: Mapping[str, Any]) -> Any:
            value = row.get(name)
            if name in self._numeric:
                return _number(value)
            return plain(value)

        return cell

    # --- what each part holds

    def _kind(self, node: ast.expr) -> Kind:
        match node:
            case ast.BoolOp(values=values):
                for each in values:
                    self._need(each, "boolean")
                return "boolean"
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                self._need(operand, "boolean")
                return "boolean"
            case ast.Compare(left=left, ops=ops, comparators=others):
                sides = [left, *others]
                for op, one, other in zip(ops, sides[:-1], sides[1:], strict=True):
                    self._comparable(op, one, other)
                return "boolean"
            case ast.Constant(value=value):
                return kind_of(value)
            case ast.Name(id=name) if name.casefold() in _CONSTANTS:
                return kind_of(_CONSTANTS[name.casefold()])
            case ast.Name(id=name):
                return self._kinds[name]
            case ast.Call(func=ast.Name(id="col"), args=[ast.Constant(value=str(name))]):
                return self._kinds[name]
            case (
                ast.Attribute(value=inner, attr=name) | ast.Subscript(value=inner, slice=ast.Constant(value=str(name)))
            ):
                self._need(inner, "object")
                known = self._fields.get(_path(inner))
                if known is not None and name not in known and len(known) < MOST_FIELDS:
                    raise self._wrong(
                        f"{_path(inner)} has no field '{name}' in any row: it has {', '.join(sorted(known))}"
                    )
                return "mixed"
            case ast.Subscript(value=inner):
                self._need(inner, "list")
                return "mixed"
            case ast.List() | ast.Tuple() | ast.Set():
                return "list"
            case ast.BinOp(left=left, right=right):
                self._need(left, "number")
                self._need(right, "number")
            case ast.UnaryOp(operand=operand):
                self._need(operand, "number")
            case ast.Call(func=ast.Name(id="abs"), args=[argument]):
                self._need(argument, "number")
            case ast.Call(args=[argument]):
                if self._kind(argument) not in {"text", "list", "mixed", "nothing"}:
                    raise self._wrong(f"{self._said(argument)}, and len() needs text or a list")
        return "number"

    def _need(self, node: ast.expr, wanted: Kind) -> None:
        if self._kind(node) not in {wanted, "mixed", "nothing"}:
            needed = {"boolean": "true or false", "object": "an object with fields", "list": "a list"}.get(
                wanted, f"a {wanted}"
            )
            raise self._wrong(f"{self._said(node)}, expected {needed}")

    def _comparable(self, op: ast.cmpop, one: ast.expr, other: ast.expr) -> None:
        if isinstance(op, ast.Is | ast.IsNot):
            if not _is_constant(other):
                raise self._wrong(f"'is' asks for null, true or false; compare {ast.unparse(other)} with ==")
            return
        kinds = self._kind(one), self._kind(other)
        if isinstance(op, ast.In | ast.NotIn):
            if isinstance(other, ast.Constant) and isinstance(other.value, str) and not isinstance(one, ast.Constant):
                mend = f"{ast.unparse(one)} == {other.value!r}, or in ({other.value!r}, ...)"
                raise self._wrong(f"{other.value!r} is one text, expected a list after 'in': write {mend}")
            if isinstance(other, ast.List | ast.Tuple | ast.Set):
                for each in other.elts:
                    self._comparable(ast.Eq(), one, each)
            elif kinds[1] not in {"list", "text", "mixed", "nothing"}:
                raise self._wrong(f"{self._said(other)}, expected a list after 'in'")
            elif kinds[1] == "text" and kinds[0] not in {"text", "mixed", "nothing"}:
                raise self._wrong(f"{self._said(one)}, and only text can be in a text")
            return
        if _is_null(one) or _is_null(other):
            raise self._wrong("a comparison with null is never true: write is null or is not null")
        for side, kind in ((one, kinds[1]), (other, kinds[0])):
            text = side.value if isinstance(side, ast.Constant) else None
            if kind == "date" and isinstance(text, str) and date_of(text) is None:
                raise self._wrong(f"{text!r} is no date: write it as in '2026-01-31' or '2026-01-31 18:30'")
        if kinds[0] != kinds[1] and not {"mixed", "nothing"} & {*kinds} and {*kinds} != {"date", "text"}:
            raise self._wrong(f"{self._said(one)} and {self._said(other)}: they are never equal, nor less or more")

    def _said(self, node: ast.expr) -> str:
        """A part and its kind, in words."""
        kind = self._kind(node)
        named = {"list": "a list", "object": "an object", "number": "a number", "date": "a date"}
        what = {"boolean": "true or false", **named}
        return f"{ast.unparse(node)} is {what.get(kind, kind)}"


def _unknown(name: str, columns: Collection[str]) -> str:
    same = [each for each in columns if unicodedata.normalize("NFKC", each) == name or each.startswith(f"{name}.")]
    near = same or difflib.get_close_matches(name, columns, n=1, cutoff=0.6)
    # Python reads a name in its composed form, so that a column in another form is none.
    plain = near and near[0].isidentifier() and unicodedata.is_normalized("NFKC", near[0])
    found = next((each if plain else f'col("{each}")' for each in near), "")
    hint = f"did you mean {found}? " if near else ""
    return f"there is no column '{name}': {hint}the columns are {', '.join(columns)}"


def _path(node: ast.expr) -> str:
    """The name of a column or of a field in it, as `note_fields` has it; empty for anything else."""
    match node:
        case ast.Name(id=name) | ast.Call(func=ast.Name(id="col"), args=[ast.Constant(value=str(name))]):
            return name
        case ast.Attribute(value=inner, attr=name) | ast.Subscript(value=inner, slice=ast.Constant(value=str(name))):
            above = _path(inner)
            return f"{above}.{name}" if above else ""
    return ""


def _depth(tree: ast.expr) -> int:
    """How deeply the parts of a condition stand in one another."""
    level: list[ast.AST] = [tree]
    depth = 0
    while level:
        level = [part for each in level for part in ast.iter_child_nodes(each)]
        depth += 1
    return depth


def _is_constant(node: ast.expr) -> bool:
    if isinstance(node, ast.Name):
        return node.id.casefold() in _CONSTANTS
    return isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, bool))


def _is_null(node: ast.expr) -> bool:
    if isinstance(node, ast.Name):
        return node.id.casefold() in {"null", "none"}
    return isinstance(node, ast.Constant) and node.value is None


def _part(holder: Test, at: str | int) -> Test:
    """A field of an object, or an element of a list."""

    def part(row: Mapping[str, Any]) -> Any:
        found = holder(row)
        if isinstance(at, str):
            return plain(found.get(at)) if isinstance(found, Mapping) else None
        return plain(found[at]) if isinstance(found, list | tuple) and -len(found) <= at < len(found) else None

    return part


def _comparison(op: ast.cmpop, one: Test, other: Test) -> Test:
    if isinstance(op, ast.Is):
        return lambda row: one(row) is other(row)
    if isinstance(op, ast.IsNot):
        return lambda row: one(row) is not other(row)
    if isinstance(op, ast.In | ast.NotIn):
        wanted = isinstance(op, ast.In)

        def inside(row: Mapping[str, Any]) -> bool | None:
            value, among = one(row), other(row)
            if (
                value is None
                or not isinstance(among, str | Sequence)
                or (isinstance(among, str) > isinstance(value, str))
            ):
                return None
            if isinstance(among, str):
                return (value in among) is wanted
            special = isinstance(value, date) or any(isinstance(each, date | time | Decimal) for each in among)
            found = any(equal(value, plain(each)) for each in among) if special else value in among
            return found is wanted

        return inside
    compare = _COMPARED[type(op)]

    def compared(row: Mapping[str, Any]) -> bool | None:
        left, right = alike(one(row), other(row))
        if left is None or right is None:
            return None
        try:
            return bool(compare(left, right))
        except TypeError:  # cells of several kinds in one column
            return None

    return compared


def _calculation(calculate: Callable[[Any, Any], Any], one: Test, other: Test) -> Test:
    def calculated(row: Mapping[str, Any]) -> Any:
        left, right = one(row), other(row)
        if not _is_number(left) or not _is_number(right):
            return None
        try:
            return calculate(left, right)
        except (ZeroDivisionError, OverflowError):
            return None

    return calculated


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: object) -> float | None:
    """A cell of text as the number that it is; None where it is empty."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return None if number != number else number  # noqa: PLR0124


def _all(found: Any) -> bool | None:
    said: bool | None = True
    for each in found:
        if each is False:
            return False
        said = None if each is None else said
    return said


def _any(found: Any) -> bool | None:
    said: bool | None = False
    for each in found:
        if each is True:
            return True
        said = None if each is None else said
    return said
