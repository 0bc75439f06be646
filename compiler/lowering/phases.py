"""The phases of a spec as ranges of updates: lengths turned into steps, stretches that no phase names filled in.

Comes in: the resolved spec, its own batch, the step and counters that the run begins with. Goes out: the phases that the
run really has, in order and without a gap, and a problem for each range that cannot be worked out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field, replace
from typing import Any

from ..contract.phases import Batch, Phase, whole
from ..contract.quantities import parse
from ..contract.record import dataclass
from ..contract.training import ParameterGroup
from .lengths import Clock, Length, parse_length

WHOLE, REST = "whole", "rest"
"""The names of a run without phases, and of a stretch that no phase of the spec covers."""


@dataclass(frozen=True)
class Problem:
    """A code, what is wrong, and the key that it is wrong at."""

    code: str
    message: str
    key: str


@dataclass
class Phasing:
    """Works out the phases of one spec."""

    plain: dict[str, Any]
    batch: Batch
    groups: tuple[ParameterGroup, ...]
    clock: Clock
    end: Length
    """The run's end, in the unit that the spec counts in."""
    before: Length | None = None
    """Where the phase before ends, in the spec's own words."""
    made: list[Phase] = field(default_factory=list)
    found: list[Problem] = field(default_factory=list)

    def run(self) -> tuple[Phase, ...]:
        """All phases, in order; where there are problems, some may be missing."""
        said = self.plain["phases"]
        for index, one in enumerate(said):
            self._place(f"phases.{index}", one)
        self._append(self._rest(self._end_with(self.batch), REST if said else WHOLE))
        first = self.clock.step  # a run that ends before it begins has nothing to do; a check says so
        return tuple(self.made) or whole(first, first, self.batch)

    @property
    def steps(self) -> int:
        """The step that the run ends at."""
        return self._end_with(self.batch)

    def _end_with(self, batch: Batch) -> int:
        return self.clock.step_of(self.end, batch)

    def _rest(self, end: int, name: str) -> Phase:
        return Phase(name, self.clock.step, end, self.batch, self.plain["compile"], {}, {}, ())

    def _append(self, phase: Phase) -> None:
        """Adds a phase, cut off at the end of the run, and moves the clock on."""
        end = min(phase.end, self._end_with(phase.batch))
        if end > phase.start:
            self.made.append(replace(phase, end=end))
            self.clock = self.clock.at(end, phase.batch)

    def _place(self, key: str, said: dict[str, Any]) -> None:
        """One phase of the spec behind those before it."""
        batch = self._batch(said.get("batch", {}))
        if self._ends_early(key, said):
            return
        if "from" in said:
            self._begin(key, said)
        end = self.clock.step_of(parse_length(said["to"]) if "to" in said else self.end, batch)
        self._append(Phase(said["name"], self.clock.step, end, batch, said.get("compile", self.plain["compile"]),
                           self._rates(said, batch), {name: float(one) for name, one in said.get("losses", {}).items()},
                           tuple(said.get("frozen", ()))))

    def _begin(self, key: str, said: dict[str, Any]) -> None:
        """Fills the stretch up to where a phase says that it begins. Where another phase is there already, that is reported,
        and what is left of this one counts for those after it."""
        begins = parse_length(said["from"])
        if self.made and (shared := -self.clock.steps_to(begins, self.made[-1].batch)) > 0:
            other = self.made[-1]
            self.found.append(Problem(
                "E410", f"{said['name']} begins at {begins}, but {other.name} lasts until step {other.end:,}: {shared:,} "
                "steps would belong to both", f"{key}.from"))
            return
        begin = self.clock.step_of(begins, self.batch)
        if begin > self.clock.step:
            self._append(self._rest(begin, REST))

    def _ends_early(self, key: str, said: dict[str, Any]) -> bool:
        """Whether a phase's own figures leave nothing of it."""
        begin = parse_length(said["from"]) if "from" in said else self.before
        end = parse_length(said["to"]) if "to" in said else None
        self.before = end
        if begin is None or end is None or begin.unit != end.unit or begin.number < end.number:
            return False
        self.found.append(Problem("E411", f"{said['name']} ends at {end}, but begins at {begin}", f"{key}.to"))
        return True

    def _batch(self, said: dict[str, Any]) -> Batch:
        own = {name: said[name] for name in ("rows", "accumulation", "sequence_length") if name in said}
        return replace(self.batch, **own)

    def _rates(self, said: dict[str, Any], batch: Batch) -> dict[str, float]:
        """What multiplies each group's rate: the rule for the batch, the phase's own factor, that of the group."""
        rule = self.plain["schedule"].get("rate_rule")
        ratio = batch.tokens / self.batch.tokens
        common = {"linear": ratio, "sqrt": ratio**0.5}.get(rule, 1.0) * parse(said.get("rate", 1), "factor")
        own = {name: parse(one, "factor") for name, one in said.get("rates", {}).items()}
        factors = {group.name: common * own.get(group.name, 1.0) for group in self.groups}
        return {name: factor for name, factor in factors.items() if factor != 1.0}


def workers(plain: dict[str, Any], phases: tuple[Phase, ...]) -> Iterator[tuple[str, int, Any]]:
    """(phase, worker processes, what the author says) of each phase."""
    said = {one["name"]: one for one in plain.get("phases", [])}
    for phase in phases:
        one = said.get(phase.name, {})
        yield phase.name, one.get("batch", {}).get("workers", plain["batch"].get("workers", 0)), one.get("why")
