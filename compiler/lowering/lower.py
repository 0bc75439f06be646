"""A resolved spec to the contract's `Experiment`: every quantity read, every name looked up, nothing judged.

Comes in: a spec that satisfies the schema, and the experiments that it refers to. Goes out: the experiment, without
predictions and warnings (the phases that compute them add them), and diagnostics for values that cannot be read. What
is doubtful about the values is the business of the checks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..contract.experiment import Change, Checkpointing, Experiment, Hardware, Launch, Remark, Validation
from ..contract.promises import Compared, Evaluation, Expectation, Predictions, Scenario, Scenarios, Suite, Text
from ..contract.quantities import NotAQuantity, parse, parse_count
from ..contract.snapshot import training_sha256
from ..contract.training import Batch, Resume, Training
from ..diagnostics import Diagnostic
from ..differences import differences
from ..families import family
from ..frontend.resolve import Resolved
from ..hardware import DEVICES
from . import bounds, rates
from .references import PARENT

COMPARED_SECTIONS = ("model", "data", "batch", "optimizer", "schedule", "steps", "seed", "precision", "compile",
                     "checkpoint", "hardware")

QUANTITIES = (
    ("steps", "positive"), ("resume.step", "positive"), ("batch.total_tokens", "positive"),
    ("schedule.warmup_steps", "count"), ("schedule.warmdown_ratio", "fraction"), ("schedule.final_fraction", "fraction"),
    ("checkpoint.every", "positive"), ("checkpoint.keep_every", "positive"), ("hardware.memory_budget", "size"),
    ("eval.validation.every", "positive"), ("eval.suites.*.weight", "fraction"), ("eval.compare.*.step", "positive"))
"""Keys of quantities and their kinds; `*` stands for any name or index, positive counts begin at 1. A family adds its own."""


def lower(
    resolved: Resolved, referred: dict[str, tuple[Resolved, Experiment]]
) -> tuple[Experiment | None, list[Diagnostic]]:
    """The experiment of a valid spec; None where a quantity cannot be read."""
    lowering = _Lowering(resolved, referred)
    experiment = lowering.experiment()
    return (None if lowering.found else experiment), lowering.found


def text(prose: str | dict[str, str] | None) -> Text:
    """Prose by language; one text for all languages goes under `any`, no text gives an empty mapping."""
    if isinstance(prose, dict):
        return dict(prose)
    return {"any": prose} if prose else {}


class _Lowering:
    def __init__(self, resolved: Resolved, referred: dict[str, tuple[Resolved, Experiment]]) -> None:
        self.resolved, self.referred = resolved, referred
        self.plain = _whole(resolved.plain())
        self.found: list[Diagnostic] = []
        self.parent = referred[PARENT][1] if PARENT in referred else None

    def unreadable(self, key: str, error: NotAQuantity) -> None:
        self.found.append(self.resolved.diagnostic("E110", str(error), key))

    def check_quantities(self) -> None:
        """Reports every quantity that cannot be read, so that nothing below has to expect one."""
        for pattern, kind in (*QUANTITIES, *family(self.plain["model"]["family"]).QUANTITIES):
            for key, value in _matching(self.plain, pattern.split(".")):
                try:
                    _read(value, kind)
                except NotAQuantity as error:
                    self.unreadable(key, error)

    def experiment(self) -> Experiment | None:
        self.check_quantities()
        if self.found:
            return None
        plain = self.plain
        training, law = self.training()
        name, profile = plain["name"], self.resolved.profile
        return Experiment(
            run=f"{name}.{profile}" if profile else name,
            name=name,
            profile=profile,
            title=text(plain["title"]),
            goal=text(plain["goal"]),
            date=plain.get("date"),
            training=training,
            schedule=law,
            checkpoint=self.checkpointing(),
            validation=Validation(parse_count(plain["eval"]["validation"]["every"]),
                                  plain["eval"]["validation"]["batches"]),
            hardware=self.hardware(),
            launch=Launch(plain["launch"].get("name") or f"train_{name}", tuple(plain["launch"]["targets"])),
            evaluation=Evaluation(tuple(self.suites()), tuple(self.compared()), plain["eval"]["results"]),
            expectations=tuple(self.expectations()),
            scenarios=self.scenarios(),
            notes=tuple(Remark(note["about"], text(note["text"]), None) for note in plain["notes"]),
            warnings=(),
            languages=tuple(plain["report"]["language"]),
            changes=self.changes(),
            boundary=self.boundary(training),
            predictions=Predictions({}, {}, ()),
        )

    def training(self) -> tuple[Training, Any]:
        plain, chosen = self.plain, family(self.plain["model"]["family"])
        config = chosen.config(plain)
        batch = Batch(plain["batch"]["rows"], config.model.sequence_length, plain["batch"]["accumulation"],
                      plain["batch"]["ranks"])
        steps, resume = parse_count(plain["steps"]), self.resume()
        law = rates.schedule(plain["schedule"], steps, resume.step if resume else 0)
        return Training(
            family=plain["model"]["family"],
            config=config,
            batch=batch,
            groups=chosen.groups(plain, config, batch),
            curves={"rate": rates.rate_curve(law, steps, resume, self.parent.training if self.parent else None)},
            gradient_clip=_real(plain["optimizer"].get("gradient_clip")),
            steps=steps,
            seed=plain["seed"],
            precision=plain["precision"],
            compile=plain["compile"],
            resume=resume,
        ), law

    def resume(self) -> Resume | None:
        if not self.parent:
            return None
        said = self.plain["resume"]
        return Resume(self.parent.run, training_sha256(self.parent.training), parse_count(said["step"]),
                      said["optimizer"], said["schedule"])

    def checkpointing(self) -> Checkpointing:
        said = self.plain["checkpoint"]
        keep_every = said.get("keep_every")
        return Checkpointing(parse_count(said["every"]), said["keep_last"],
                             None if keep_every is None else parse_count(keep_every))

    def hardware(self) -> Hardware:
        said = self.plain["hardware"]
        device, budget = DEVICES[said["target"]], said.get("memory_budget")
        return Hardware(
            target=said["target"],
            title=device.title,
            count=said["count"],
            device_memory=device.memory,
            memory_budget=None if budget is None else int(parse(budget, "size")),
            peak_flops=device.peak_flops,
            bandwidth=device.bandwidth,
            price_per_hour=_real(said.get("price_per_hour")),
            currency=said.get("currency"),
        )

    def suites(self) -> Iterator[Suite]:
        for name, said in self.plain["eval"]["suites"].items():
            yield Suite(name, text(said["title"]), parse(said["weight"], "fraction"), tuple(said["prompts"]),
                        tuple(said["indicators"]), said["samples"], said["max_new_tokens"],
                        float(said["temperature"]), said["seed"])

    def compared(self) -> Iterator[Compared]:
        for index, said in enumerate(self.plain["eval"]["compare"]):
            resolved, other = self.referred[f"eval.compare.{index}.spec"]
            yield Compared(other.run, other.name, other.title, parse_count(said["step"]),
                           training_sha256(other.training), sum(other.predictions.parameters.values()))

    def unit(self, metric: str) -> str:
        """The metric's unit; a metric that nobody knows is the business of a check, and read as a number here."""
        known = bounds.metrics(self.plain["model"]["family"], tuple(self.plain["eval"]["suites"]))
        return known[metric].unit if metric in known else "number"

    def bound(self, key: str, value: int | float | str | None, unit: str) -> float | None:
        if value is None:
            return None
        try:
            return bounds.read(value, unit)
        except NotAQuantity as error:
            self.unreadable(key, error)
            return None

    def expectations(self) -> Iterator[Expectation]:
        for index, said in enumerate(self.plain["expect"]):
            unit = self.unit(said["metric"])
            low, high = said.get("between", (None, None))
            named = {"at_least": low, "above": None, "at_most": high, "below": None} | said
            read = {side: self.bound(f"expect.{index}.{side if side in said else 'between'}", named[side], unit)
                    for side in ("at_least", "above", "at_most", "below")}
            strict_lower, strict_upper = read["above"] is not None, read["below"] is not None
            yield Expectation(said["metric"], unit, read["above"] if strict_lower else read["at_least"],
                              read["below"] if strict_upper else read["at_most"], strict_lower, strict_upper,
                              text(said.get("why")))

    def scenarios(self) -> Scenarios | None:
        said = self.plain.get("scenarios")
        if not said:
            return None
        unit = self.unit(said["metric"])
        cases = tuple(
            Scenario(case["name"], text(case["title"]),
                     self.bound(f"scenarios.cases.{index}.from", case.get("from"), unit),
                     self.bound(f"scenarios.cases.{index}.to", case.get("to"), unit),
                     text(case["conclusion"]), text(case["next"]))
            for index, case in enumerate(said["cases"]))
        parent = self.parent if said.get("gain_over") == "parent" else None
        return Scenarios(said["metric"], unit, parent.run if parent else None, cases)

    def changes(self) -> tuple[Change, ...]:
        if not self.parent:
            return ()
        before, after = ({section: tree.get(section) for section in COMPARED_SECTIONS}
                         for tree in (self.referred[PARENT][0].plain(), self.plain))
        return tuple(Change(one.key, _written(one.before), _written(one.after)) for one in differences(before, after))

    def boundary(self, training: Training) -> tuple[Any, ...]:
        if not self.parent or not training.resume:
            return ()
        return rates.boundary(self.parent.training, training, training.resume.step)


def _read(value: Any, kind: str) -> None:
    if kind not in ("count", "positive"):
        parse(value, kind)
    elif parse_count(value) < 1 and kind == "positive":
        raise NotAQuantity(f"{value!r} has to be at least 1")


def _matching(value: Any, path: list[str], key: str = "") -> Iterator[tuple[str, Any]]:
    """(key, value) of everything in nested plain values that a path leads to."""
    if not path:
        yield key, value
        return
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        if path[0] in ("*", str(name)):
            yield from _matching(item, path[1:], f"{key}.{name}" if key else str(name))


def _real(value: int | float | None) -> float | None:
    return None if value is None else float(value)


def _whole(value: Any) -> Any:
    """Integers for floats without a fraction: JSON Schema takes `4.0` for an integer, and so may a spec."""
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _written(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)
