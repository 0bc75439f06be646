"""What a spec promises and how it is judged: suites, compared experiments, expectations and scenarios, bounds read.

A bound is read by the unit of the metric that it bounds; what cannot be read is kept in `found`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ..contract.experiment import Experiment
from ..contract.guards import Milestone
from ..contract.promises import Compared, Evaluation, Expectation, Scenario, Scenarios, Suite, Text
from ..contract.quantities import NotAQuantity, parse, parse_count
from ..contract.snapshot import training_sha256
from ..contract.training import Training
from ..contract.watching import Watching
from ..diagnostics import Diagnostic
from ..families import family
from ..frontend.resolve import Resolved
from . import bounds
from .lengths import parse_length, reached

UNKNOWN = "unknown"  # the unit of a metric that does not exist


def text(prose: str | dict[str, str] | None) -> Text:
    """Prose by language; one text for all languages goes under `any`, no text gives an empty mapping."""
    if isinstance(prose, dict):
        return dict(prose)
    return {"any": prose} if prose else {}


@dataclass
class Promises:
    """Reads the sections `eval`, `expect`, `milestones` and `scenarios` of one spec."""

    resolved: Resolved
    plain: dict
    referred: dict[str, tuple[Resolved, Experiment]]
    parent: Experiment | None
    watching: Watching | None
    found: list[Diagnostic] = field(default_factory=list)

    def evaluation(self) -> Evaluation:
        """The suites, and the experiments to compare with."""
        return Evaluation(tuple(self._suites()), tuple(self._compared()), self.plain["eval"]["results"],
                          family(self.plain["model"]["family"]).EVALUATED)

    def _suites(self) -> Iterator[Suite]:
        for name, said in self.plain["eval"].get("suites", {}).items():
            yield Suite(name, text(said["title"]), parse(said["weight"], "fraction"), tuple(said.get("prompts", ())),
                        tuple(said.get("indicators", ())), said.get("samples", 0), said.get("max_new_tokens", 0),
                        float(said.get("temperature", 0)), said.get("seed", 0))

    def _compared(self) -> Iterator[Compared]:
        for index, said in enumerate(self.plain["eval"]["compare"]):
            _, other = self.referred[f"eval.compare.{index}.spec"]
            yield Compared(other.run, other.name, other.title, parse_count(said["step"]),
                           training_sha256(other.training), sum(other.predictions.parameters.values()) or None)

    def unit(self, metric: str) -> str:
        """The metric's unit; a metric that nobody knows is the business of a check, and its bounds are not read."""
        known = bounds.metrics(self.plain["model"]["family"], tuple(self.plain["eval"].get("suites", {})), self.watching)
        return known[metric].unit if metric in known else UNKNOWN

    def _bound(self, key: str, value: int | float | str | None, unit: str) -> float | None:
        if value is None or unit == UNKNOWN:
            return None
        try:
            return bounds.read(value, unit)
        except NotAQuantity as error:
            self.found.append(self.resolved.diagnostic("E110", str(error), key))
            return None

    def expectations(self) -> Iterator[Expectation]:
        """Every promise, with its bounds in base units."""
        for index, said in enumerate(self.plain["expect"]):
            yield self._promise(f"expect.{index}", said)

    def milestones(self, training: Training, epoch_samples: int | None) -> Iterator[Milestone]:
        """What is promised on the way, at steps of this training."""
        for index, said in enumerate(self.plain["milestones"]):
            length = parse_length(said.get("at", said.get("by", training.steps)))
            yield Milestone(self._promise(f"milestones.{index}", said), reached(length, training, epoch_samples), "at" in said)

    def _promise(self, key: str, said: dict) -> Expectation:
        unit = self.unit(said["metric"])
        low, high = said.get("between", (None, None))
        named = {"at_least": low, "above": None, "at_most": high, "below": None} | said
        read = {side: self._bound(f"{key}.{side if side in said else 'between'}", named[side], unit)
                for side in ("at_least", "above", "at_most", "below")}
        strict_lower, strict_upper = read["above"] is not None, read["below"] is not None
        return Expectation(said["metric"], unit, read["above"] if strict_lower else read["at_least"],
                           read["below"] if strict_upper else read["at_most"], strict_lower, strict_upper,
                           text(said.get("why")))

    def scenarios(self) -> Scenarios | None:
        """The cases that partition one metric; None where the spec has none."""
        said = self.plain.get("scenarios")
        if not said:
            return None
        unit = self.unit(said["metric"])
        cases = tuple(
            Scenario(case["name"], text(case["title"]),
                     self._bound(f"scenarios.cases.{index}.from", case.get("from"), unit),
                     self._bound(f"scenarios.cases.{index}.to", case.get("to"), unit),
                     text(case["conclusion"]), text(case["next"]))
            for index, case in enumerate(said["cases"]))
        parent = self.parent if said.get("gain_over") == "parent" else None
        return Scenarios(said["metric"], unit, parent.run if parent else None, cases)
