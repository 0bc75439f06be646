"""An experiment in the words of a spec: the frozen experiment in, one entry for each value out, under the key that a spec
has for it (`optimizer.matrix_lr`, `expect[valid_loss].below`), items of lists by their name.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from ..contract.claims import Claims, Machine, Past, Range, Stated
from ..contract.codec import to_plain
from ..contract.experiment import Experiment
from ..contract.guards import Guard, Milestone
from ..contract.phases import Phase
from ..contract.promises import Expectation, Prediction, Scenario, Scenarios
from ..contract.record import dataclass
from ..contract.schedules import Curve
from ..contract.training import Training, known
from ..lowering.phases import REST, WHOLE

Path = tuple[str, ...]

RENAMED: dict[Path, Path] = {
    ("training", "family"): ("model", "family"),
    ("training", "config"): (),
    ("training", "gradient_clip"): ("optimizer", "gradient_clip"),
    ("training", "resume", "parent"): ("resume", "from"),
    ("training",): (),
    ("validation",): ("eval", "validation"),
    ("evaluation", "results_file"): ("eval", "results"),
    ("evaluation",): ("eval",),
    ("expectations",): ("expect",),
    ("scenarios", "relative_to"): ("scenarios", "gain_over"),
    ("languages",): ("report", "language"),
    ("trackers",): ("report", "trackers"),
    ("loading", WHOLE): ("batch",),
    ("loading", REST): ("batch",),
}
"""Where the snapshot's names differ from those of a spec; the longest one that fits counts."""

DERIVED = re.compile(rf"""(run | counted | eval\.(validation\.)?measures.* | curves\..*
    | phases\[({WHOLE}|{REST})(\#\d+)?\].* | groups\[.*\]\.(optimizer|method|rate)
    | batch\.sequence_length | resume\.(parent_training_sha256|served.*) | schedule\.warmdown_steps
    | hardware\.(title|device_memory|peak_flops|bandwidth) | .*\.unit
    | guards\[.*\]\.(higher|given) | claims\..*\.(title|how|computed)
    | series\.shared\b.* | eval\.compare\[.*\]\.(experiment|title.*|parameters|training_sha256)
    | (warnings|changes|boundary|predictions|against)\b.*)""", re.VERBOSE)
"""What no spec says: it follows from a spec, from the specs that it refers to, or from expc's own knowledge."""

NAMING = ("name", "metric", "about", "run", "of", "target", "key")
NAMED_BY: dict[Path, str] = {("warnings",): "code"}
"""What tells the items of a list apart; the place of a warning changes with every line above it."""

MAPPINGS: set[Path] = {("evaluation", "suites")}
"""Lists that are mappings by name in a spec."""

UNITS = {"memory_budget": "bytes", "device_memory": "bytes", "memory": "bytes", "weight": "fraction",
         "warmdown_ratio": "fraction", "final_fraction": "fraction", "valid_fraction": "fraction"}


@dataclass(frozen=True)
class Entry:
    """One value under a spec's key. `identity`: it is part of what the training hash covers."""

    key: str
    path: Path
    value: Any
    unit: str | None
    identity: bool
    derived: bool


@dataclass(frozen=True)
class _Phase:
    """A phase as a spec says it: of the batch and of compiling only what differs from the rest of the run."""

    name: str
    start: int
    end: int
    batch: dict[str, int]
    compile: bool | None
    rates: dict[str, float]
    losses: dict[str, float]
    frozen: tuple[str, ...]


def entries(experiment: Experiment) -> dict[str, Entry]:
    """All values of an experiment by key; what is None has no entry. Lists have one more for the order of their items."""
    found = {}
    built_in = tuple(f"guards[{guard.name}]" for guard in experiment.guards if not guard.given)
    for path, value, unit in _walk(experiment, ()):
        said = _renamed(path)
        key = written(said)
        derived = DERIVED.fullmatch(key) is not None or key.startswith(built_in)
        found[key] = Entry(key, said, value, unit, path[0] == "training", derived)
    return found


def written(path: Path) -> str:
    """Parts as a key: names with a dot in quotes, items in brackets as they are."""
    parts = (part if part[:1] == "[" else "." + (part if "." not in part else json.dumps(part, ensure_ascii=False))
             for part in path)
    return "".join(parts).removeprefix(".")


def _renamed(path: Path) -> Path:
    if path[0] == "loading" and path[1] not in (WHOLE, REST):
        return ("phases", f"[{path[1]}]", *(("batch",) if path[2] == "workers" else ()), *path[2:])
    prefix: Path = max((old for old in RENAMED if path[:len(old)] == old), key=len, default=())
    return (*RENAMED.get(prefix, ()), *path[len(prefix):])


def _walk(value: Any, path: Path, unit: str | None = None) -> Iterator[tuple[Path, Any, str | None]]:
    if isinstance(value, Curve):
        yield path, to_plain(value)["segments"], "curve"
    elif isinstance(value, Range):
        yield path, value.low if value.low == value.high else [value.low, value.high], unit
    elif isinstance(value, Stated):
        yield from _walk(value.value, path, value.unit)
        for name in ("unit", "computed", "how"):
            yield from _walk(getattr(value, name), (*path, name), value.unit)
    elif dataclasses.is_dataclass(value):
        unit = getattr(value.promise if isinstance(value, Milestone) else value, "unit", unit)
        for name, item in _fields(value):
            yield from _walk(item, (*path, name), unit if _takes_unit(value) else UNITS.get(name))
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _walk(item, path if name == "any" else (*path, name), UNITS.get(path[-1], unit))
    elif isinstance(value, tuple) and value and dataclasses.is_dataclass(value[0]):
        yield from _items(value, path, unit)
    elif value is not None and value != ():
        yield path, list(value) if isinstance(value, tuple) else value, None if isinstance(value, str | bool) else unit


def _takes_unit(value: Any) -> bool:
    """Whether the numbers in it are of the unit that it, or what it is in, states."""
    return isinstance(value, Expectation | Milestone | Scenario | Scenarios | Prediction)


def _fields(value: Any) -> Iterable[tuple[str, Any]]:
    """The fields of a dataclass, bounds under the names that a spec has for them."""
    fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Expectation):
        strict_lower, strict_upper = fields.pop("strict_lower"), fields.pop("strict_upper")
        fields |= {"above" if strict_lower else "at_least": fields.pop("lower"),
                   "below" if strict_upper else "at_most": fields.pop("upper")}
    elif isinstance(value, Scenario):
        fields |= {"from": fields.pop("lower"), "to": fields.pop("upper")}
    elif isinstance(value, Claims | Machine):
        fields = {name: item for name, item in fields.items() if name not in ("key", "figures")}
        fields |= {one.quantity: one for one in value.figures}
    elif isinstance(value, Guard):
        terms = {"rate": value.action.rate, "times": value.action.times}
        fields["then"] = {value.action.kind: terms} if (1.0, 0) != tuple(terms.values()) else value.action.kind
        del fields["action"]
    elif isinstance(value, Milestone):
        fields = {**dict(_fields(value.promise)), "at" if value.exactly else "by": value.step}
    elif isinstance(value, Past):
        fields["value"] = fields.pop("figure")
    elif isinstance(value, Training):
        fields["phases"] = tuple(_said(phase, value) for phase in value.phases)
    elif isinstance(value, _Phase):
        fields |= {"from": fields.pop("start"), "to": fields.pop("end")}
    return fields.items()


def _said(phase: Phase, training: Training) -> _Phase:
    own = asdict(known(training.batch)).items()
    return _Phase(**dict(_fields(phase)) | {
        "batch": {name: getattr(phase.batch, name) for name, value in own if getattr(phase.batch, name) != value},
        "compile": phase.compile if phase.compile != training.compile else None})


def _named(item: Any, path: Path, index: str) -> tuple[str | None, str]:
    """The field that an item's name is in, and the name; its index for one without."""
    fields = dict(_fields(item))
    naming = NAMED_BY.get(path) or next((one for one in NAMING if fields.get(one) is not None), None)
    return naming, str(fields[naming]) if naming else index


def _items(items: tuple[Any, ...], path: Path, unit: str | None) -> Iterator[tuple[Path, Any, str | None]]:
    """Items by their names, a repeated name counted; and the order that they are in."""
    seen: Counter[str] = Counter()
    names = []
    for index, item in enumerate(items):
        naming, name = _named(item, path, str(index))
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
        inner = (*path, names[-1] if path in MAPPINGS else f"[{names[-1]}]")
        yield from (found for found in _walk(item, inner, unit) if found[0] != (*inner, naming))
    yield (*path, "(order)"), names, None
