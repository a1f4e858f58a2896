"""The options of a run, each defined once: the command line, `--config` and the Python signatures come from here."""

import difflib
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    Self,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from judgebench._util.signatures import unknown_option
from judgebench.benchmarks.sampling import Shard
from judgebench.errors import ConfigError
from judgebench.items import Attack, Control, Orders, Pairs, Transport
from judgebench.metrics.votes import Aggregate
from judgebench.sources.mapped import BadRows, EmptyAnswers, pairs_in
from judgebench.sources.source import id_text

if TYPE_CHECKING:
    from judgebench.engine.writing import Writer
    from judgebench.judges import AnyJudge, Judge
    from judgebench.sources.mapped import RowMap
    from judgebench.sources.opening import Data

    AnyWriter: TypeAlias = str | Judge | Writer
else:  # where they are defined is slow to import, and not needed for the help
    AnyJudge: TypeAlias = str | Callable[..., object]
    AnyWriter: TypeAlias = str | Callable[..., object]
    Data: TypeAlias = str | Path | Iterable[Mapping[str, object]]

ITEMS, ROWS, PROTOCOL, CONTROLS, CALLS, OUTPUT, CANDIDATES, KEPT = (
    *("Items, judges and templates", "Reading rows", "Protocol", "Controls and early comparison", "Calls and cost"),
    *("Output", "Candidates and held-out items", "Rows to keep"),
)
"""The headings that the options stand under in the help."""


EngineName = Literal["local", "ray"]
"""What carries the calls of a run."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class About:
    """What is said of an option beside its name, type and default.

    Attributes:
        section: The heading that it stands under.
        help: What it does, in a sentence.
        metavar: What its value is called in the help.
        flags: How the command line spells it; nothing for its name with dashes.
        least: The lowest number, or what it must be above where `open` is set.
        most: The highest number, or what it must be below.
        open: Whether the bounds themselves are out of range.
    """

    section: str
    help: str
    metavar: str | None = None
    flags: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    open: bool = False


@dataclass(frozen=True, slots=True)
class Option:
    """One option, as its dataclass declares it.

    Attributes:
        kind: The type of one value; `object` where it can be more than a text, a path or a number.
        choices: The values that it takes; empty where any of its kind will do.
        several: Whether it takes several values.
        pairs: Whether it takes pairs of names, as a mapping or as the text `NAME=VALUE,...`.
        default: Without it; `dataclasses.MISSING` where it must be given.
    """

    name: str
    about: About
    kind: type
    choices: tuple[str, ...]
    several: bool
    pairs: bool
    default: Any

    @property
    def flags(self) -> tuple[str, ...]:
        """How the command line spells it."""
        return self.about.flags or (f"--{self.name.replace('_', '-')}",)

    @property
    def names(self) -> set[str]:
        """What a file may call it, with `_` for `-`."""
        return {self.name, *(flag.lstrip("-").replace("-", "_") for flag in self.flags if flag.startswith("--"))}

    def checked(self, value: Any) -> Any:
        """The value as it is kept; one text or path where several are meant counts as a sequence of one.

        Raises:
            ConfigError: It is of another type, out of range, or none of the choices.
        """
        if self.pairs:
            return self._paired(value)
        if self.several:
            many = isinstance(value, Collection | Iterator) and not isinstance(value, str)
            every = tuple(value) if many else (value,)
        else:
            every = () if value is None and self.default is None else (value,)
        for each in every:
            if (wrong := self.mistake(each)) is not None:
                raise ConfigError(f"{self.name} is {each!r}: {wrong}")
        return every if self.several else value

    def _paired(self, value: Any) -> dict[str, str] | None:
        if isinstance(value, str):
            return pairs_in(value, self.flags[0], last=self.name == "labels")
        if value is None:
            return None
        if isinstance(value, Mapping):
            return {id_text(name): "" if own is None else id_text(own) for name, own in value.items()}
        raise ConfigError(f"{self.name} is {value!r}: must be a dictionary, or the text NAME=VALUE,...")

    def mistake(self, value: Any) -> str | None:
        """What is wrong with one value, after its name; None where nothing is."""
        if self.choices:
            if value in self.choices:
                return None
            near = difflib.get_close_matches(str(value), self.choices, n=1)
            return f"must be one of {', '.join(self.choices)}" + (f"; did you mean {near[0]}?" if near else "")
        if self.kind is bool:
            return None if isinstance(value, bool) else "must be true or false"
        if self.kind in {int, float}:
            return None if self._fits(value) else f"must be {self._range()}"
        return None if isinstance(value, str | Path) or self.kind is object else "must be text"

    def _fits(self, value: Any) -> bool:
        numbers = int if self.kind is int else (int, float)
        if isinstance(value, bool) or not isinstance(value, numbers) or not math.isfinite(value):
            return False
        least = -math.inf if self.about.least is None else self.about.least
        most = math.inf if self.about.most is None else self.about.most
        return least < value < most if self.about.open else least <= value <= most

    def _range(self) -> str:
        least, most, noun = self.about.least, self.about.most, "an integer" if self.kind is int else "a number"
        if most is None:
            return f"{noun} >= {least}"
        return f"{noun} in ({least}, {most})" if self.about.open else f"{noun} in [{least}, {most}]"


_DECLARED: dict[type, tuple[Option, ...]] = {}


def options_of(definition: type) -> tuple[Option, ...]:
    """The options that a dataclass of this module declares, in its order; read once from its annotations."""
    if definition not in _DECLARED:
        hints = get_type_hints(definition, include_extras=True)
        _DECLARED[definition] = tuple(_option(each.name, hints[each.name], each.default) for each in fields(definition))
    return _DECLARED[definition]


def options_given(definition: type[T], given: Mapping[str, Any]) -> T:
    """The options of one definition out of all that were given, by name."""
    return definition(**{option.name: given[option.name] for option in options_of(definition) if option.name in given})


def _option(name: str, hint: Any, default: Any) -> Option:
    typed, about = get_args(hint)
    members = list(_members(typed))
    several = any(get_origin(member) is Sequence for member in members)
    paired = any(get_origin(member) is Mapping for member in members)
    single = [one for member in members for one in _members(get_args(member)[0] if _is_sequence(member) else member)]
    choices = dict.fromkeys(value for one in single if get_origin(one) is Literal for value in get_args(one))
    kinds = [one if isinstance(one, type) else object for one in single if get_origin(one) is not Literal] or [str]
    kind = object if object in kinds or paired else kinds[0]
    return Option(name, about, kind, tuple(choices), several, paired, default)


def _is_sequence(hint: Any) -> bool:
    return get_origin(hint) is Sequence


def _members(hint: Any) -> Iterator[Any]:
    """The types that a union is of, but for None; another type by itself."""
    every = get_args(hint) if get_origin(hint) in {Union, UnionType} else (hint,)
    return (each for each in every if each is not type(None))


class _Checked:
    """Checks every option's name and value when it is set."""

    __slots__ = ()

    def __new__(cls, **options: object) -> Self:
        names = [each.name for each in options_of(cls)]
        for given in options:
            if given not in names:
                raise unknown_option(cls.__name__, given, names)
        return super().__new__(cls)

    def __post_init__(self) -> None:
        for option in options_of(type(self)):
            object.__setattr__(self, option.name, option.checked(getattr(self, option.name)))


@dataclass(frozen=True, kw_only=True)
class RowOptions(_Checked):
    """How rows are read, for every command that takes some.

    Raises:
        ConfigError: A value is of another type, none of the choices, or names nothing.
    """

    columns: Annotated[
        Mapping[str, str] | str | None,
        About(ROWS, "Columns by name: prompt=question,label=winner.", "NAME=COLUMN,..."),
    ] = None
    labels: Annotated[
        Mapping[str, str] | str | None,
        About(ROWS, 'What labels mean: model_a=A,"tie (bothbad)"=tie; VALUE= is no label.', "VALUE=A|B|tie,..."),
    ] = None
    id_column: Annotated[str | None, About(ROWS, "Column of the ids; default: id, else the row's number.", "NAME")] = (
        None
    )
    group_column: Annotated[
        str | None, About(ROWS, "Column that names rows that belong together (custom).", "NAME")
    ] = None
    bad_rows: Annotated[BadRows, About(ROWS, "Rows that cannot be used: stop, or skip and list them.")] = "stop"
    empty_answers: Annotated[
        EmptyAnswers, About(ROWS, "Empty answers: refuse such rows as bad ones, or keep them (custom).")
    ] = "refuse"
    config_name: Annotated[str | None, About(ROWS, "Configuration of a hub dataset that has several.", "NAME")] = None

    @property
    def rows(self) -> "RowMap":
        """The same, as the rows' readers take it."""
        from judgebench.sources.mapped import RowMap

        given = {option.name: getattr(self, option.name) for option in options_of(RowOptions)}
        return RowMap(**{name: value for name, value in given.items() if value is not None})

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.rows  # a label that means nothing is found before anything is read


@dataclass(frozen=True, kw_only=True)
class PlanOptions(RowOptions):
    """What is asked: the options that make the runs of a grid what they are.

    Raises:
        ConfigError: A value is of another type, out of range, or none of the choices.
    """

    judges: Annotated[
        Sequence["AnyJudge"],
        About(
            ITEMS,
            "Judge: a preset, a LiteLLM id, offline/... or an installed provider's PROVIDER/MODEL; repeatable.",
            "NAME",
            ("-j", "--judge"),
        ),
    ]
    templates: Annotated[
        Sequence[str | Path],
        About(ITEMS, "Prompt template; default: the benchmark's. Repeatable.", "NAME|FILE", flags=("-t", "--template")),
    ] = ()
    data: Annotated[
        Data | None,
        About(
            ITEMS,
            "Items: a file, folder, address (s3://...), hub id or an installed source's NAME:REST; default: the "
            "benchmark's.",
            "PATH|HUB-ID[@REV][:SPLIT]|NAME:REST",
        ),
    ] = None
    subsets: Annotated[Sequence[str], About(ITEMS, "Only this subset; repeatable.", "NAME", flags=("--subset",))] = ()
    limit: Annotated[
        int | None, About(ITEMS, "Sample at most N items; their score estimates that of all.", "N", least=1)
    ] = None
    seed: Annotated[
        int, About(ITEMS, "Random seed for answer order, order of items, --limit, and bootstrap.", "N", least=0)
    ] = 0
    shard: Annotated[
        str | None,
        About(ITEMS, "Judge only part I of N, drawn from the seed; judgebench merge joins the parts.", "I/N"),
    ] = None
    orders: Annotated[
        Orders | None, About(PROTOCOL, "Orders in which the answers are shown; default: the benchmark's.")
    ] = None
    samples: Annotated[int, About(PROTOCOL, "Number of samples per prompt.", "N", least=1, most=1000)] = 1
    aggregate: Annotated[
        Aggregate,
        About(PROTOCOL, "Aggregation of the replies to one question; mean averages their credit."),
    ] = "mean"
    early_stop: Annotated[
        bool,
        About(PROTOCOL, "Stop sampling an item once its majority cannot change; with --aggregate majority."),
    ] = False
    logprobs: Annotated[bool, About(PROTOCOL, "Request log-probabilities, for the probability of each verdict.")] = (
        False
    )
    pairs: Annotated[
        Pairs | None,
        About(PROTOCOL, "Find the best of k > 2 answers by pairwise calls: all pairs, or a knockout."),
    ] = None
    repair: Annotated[
        int,
        About(
            PROTOCOL, "Follow-up turns for a reply that could not be parsed; counted separately.", "N", least=0, most=5
        ),
    ] = 0
    controls: Annotated[
        Control | Sequence[Control],
        About(
            CONTROLS,
            "Also run a control: blind hides the prompt, padded sets an answer against itself with padding.",
            flags=("--control",),
        ),
    ] = ()
    attacks: Annotated[
        Attack | Sequence[Attack],
        About(
            CONTROLS,
            "Also run an attack that alters one rejected answer per item: planted-instruction, "
            "planted-verdict, padding, fake-reference or empty. Repeatable.",
            "NAME",
            flags=("--attack",),
        ),
    ] = ()
    sequential: Annotated[
        bool,
        About(CONTROLS, "Stop two runs once they differ significantly, or by less than --min-effect."),
    ] = False
    min_effect: Annotated[
        float,
        About(
            CONTROLS,
            "With --sequential: smallest relevant difference of scores.",
            "SHARE",
            least=0,
            most=1,
            open=True,
        ),
    ] = 0.05
    alpha: Annotated[
        float,
        About(
            CONTROLS,
            "With --sequential: type I error over all interim looks.",
            "SHARE",
            least=0,
            most=1,
            open=True,
        ),
    ] = 0.05
    providers: Annotated[str | Path | None, About(CALLS, "Your own judges; default: ./providers.yaml.", "FILE")] = None
    transport: Annotated[
        Transport | None,
        About(CALLS, "How calls are made: LiteLLM, or direct HTTP to a server of the OpenAI protocol."),
    ] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.shard is not None:
            Shard.parse(self.shard)
            if self.sequential:
                raise ConfigError("--sequential needs all items, and --shard judges a part of them: leave one out")
        if self.early_stop and self.aggregate != "majority":
            raise ConfigError("--early-stop needs --aggregate majority: add it, or leave --early-stop out")
        for option in options_of(type(self)):
            alone = option.name in {"min_effect", "alpha"} and not self.sequential
            if alone and getattr(self, option.name) != option.default:
                raise ConfigError(f"{option.flags[0]} needs --sequential: add it, or leave {option.flags[0]} out")


@dataclass(frozen=True, kw_only=True)
class RunOptions(_Checked):
    """How runs are made: none of these changes what a run is.

    Raises:
        ConfigError: A value is of another type or out of range, or two do not go together.
    """

    budget: Annotated[
        float | None,
        About(CALLS, "Spending limit; no call starts that could exceed it.", "USD", least=0),
    ] = None
    concurrency: Annotated[
        int | None,
        About(CALLS, "Maximum calls in flight; default: the judge's own limit.", "N", least=1),
    ] = None
    offline: Annotated[bool, About(CALLS, "Use cached replies only; make no API calls.")] = False
    refresh: Annotated[bool, About(CALLS, "Ignore cached replies and call again.")] = False
    batch: Annotated[
        bool, About(CALLS, "Send calls through the provider's batch interface: up to 24 hours, about half the price.")
    ] = False
    cache_dir: Annotated[
        str | Path | None,
        About(CALLS, "Cache folder; default: the user's.", "DIR"),
    ] = None
    engine: Annotated[
        EngineName, About(CALLS, "Where calls are made: by this process, or by the workers of a Ray cluster.")
    ] = "local"
    ray_address: Annotated[
        str | None,
        About(
            CALLS,
            "With --engine ray: the cluster; default: RAY_ADDRESS, else one started on this machine.",
            "HOST:PORT|auto",
        ),
    ] = None
    out: Annotated[str | Path, About(OUTPUT, "Parent folder of the runs.", "DIR")] = "runs"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.ray_address is not None and self.engine != "ray":
            raise ConfigError("--ray-address needs --engine ray: add it, or leave --ray-address out")
        if self.refresh and self.offline:
            raise ConfigError("--refresh makes new calls and --offline makes none: leave one out")
        if self.batch and self.offline:
            raise ConfigError("--batch makes calls and --offline makes none: leave one out")
        if self.batch and self.concurrency is not None:
            raise ConfigError("--concurrency limits live calls, and --batch makes none: leave one out")
        if self.batch and self.engine == "ray":
            raise ConfigError("--engine ray makes live calls, and --batch makes none: leave one out")


@dataclass(frozen=True, kw_only=True)
class TuneOptions(_Checked):
    """Where the candidates of `tune` come from, and how many items it never shows them.

    Raises:
        ConfigError: A value is of another type or out of range, or two do not go together.
    """

    writer: Annotated[
        "AnyWriter | None",
        About(CANDIDATES, "Model that writes candidates, one for each edit; named as a judge is.", "NAME"),
    ] = None
    edits: Annotated[
        str | Path | None,
        About(CANDIDATES, "With --writer: what it changes, as YAML; default: the list that ships.", "FILE"),
    ] = None
    held_out: Annotated[
        float,
        About(
            CANDIDATES,
            "Share of the labelled items that are held out, drawn by group from the seed.",
            "SHARE",
            least=0,
            most=1,
            open=True,
        ),
    ] = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.edits is not None and self.writer is None:
            raise ConfigError("--edits needs --writer: add it, or leave --edits out")


@dataclass(frozen=True, kw_only=True)
class FilterOptions(_Checked):
    """Which rows `filter` keeps, and where it writes what.

    Raises:
        ConfigError: A value is of another type or out of range, or two do not go together.
    """

    keep: Annotated[
        str | None,
        About(KEPT, 'Condition on columns: "judge_agrees and margin > 0.5"; default: all rows.', "EXPR"),
    ] = None
    agreement: Annotated[
        float | None,
        About(
            KEPT,
            "Keep rows that the judge is sure enough of, so that at least this share of the verdicts agrees with "
            "people, with 95% confidence; fitted on the labelled rows.",
            "SHARE",
            least=0,
            most=1,
            open=True,
        ),
    ] = None
    people_labels: Annotated[
        str | Path | None,
        About(KEPT, "With --agreement: people's labels, rows of id and label; default: the rows' own.", "FILE"),
    ] = None
    out: Annotated[
        str | Path, About(OUTPUT, "File with the rows kept: .parquet, .jsonl, .csv, or .gz of the last two.", "FILE")
    ]
    prefix: Annotated[str, About(OUTPUT, "Prefix of the judge's columns.", "NAME")] = "judge_"
    preferences: Annotated[
        str | Path | None,
        About(OUTPUT, "Also write kept pairs as TRL takes them: prompt, chosen, rejected by the judge.", "FILE"),
    ] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.people_labels is not None and self.agreement is None:
            raise ConfigError("--people-labels needs --agreement: add it, or leave --people-labels out")
        if not self.prefix.strip():
            raise ConfigError("--prefix is empty: name one, as in --prefix judge_")


NO_FILTER = frozenset(
    {"controls", "attacks", "sequential", "min_effect", "alpha", "pairs", "subsets", "data", "refresh"}
)
"""Options of a run that `filter` has no use for."""

NO_TUNE = frozenset(
    {"controls", "attacks", "sequential", "min_effect", "alpha", "shard", "batch", "engine", "ray_address"}
)
"""Options of a run that `tune` has no use for."""
