"""A resolved spec to the contract's `Experiment`: every quantity read, every name looked up, nothing judged.

Comes in: a spec that satisfies the schema, and the experiments that it refers to. Goes out: the experiment, without
predictions and warnings (the phases that compute them add them), and diagnostics for values that cannot be read. What
is doubtful about the values is the business of the checks.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..contract.experiment import (
    Change,
    Checkpointing,
    Experiment,
    KeepBest,
    Launch,
    Loading,
    Remark,
    Validation,
)
from ..contract.guards import Guard
from ..contract.phases import Batch, Served
from ..contract.promises import Predictions
from ..contract.quantities import LARGEST_COUNT, NotAQuantity, parse_count
from ..contract.snapshot import training_sha256
from ..contract.training import Resume, Training, known
from ..diagnostics import Diagnostic
from ..differences import differences
from ..families import family
from ..frontend.resolve import Resolved
from . import foreign, guards, rates
from .bounds import held_out
from .claims import claims
from .lengths import Clock, Length, parse_length, period
from .machines import hardware
from .phases import Phasing, workers
from .promises import Promises, text
from .readable import QUANTITIES, matching, unreadable
from .references import PARENT
from .series import series

COMPARED_SECTIONS = ("model", "command", "data", "batch", "optimizer", "schedule", "phases", "steps", "epochs", "seed",
                     "precision", "compile", "checkpoint", "hardware")


def lower(
    resolved: Resolved, referred: dict[str, tuple[Resolved, Experiment]]
) -> tuple[Experiment | None, list[Diagnostic]]:
    """The experiment of a valid spec; None where a quantity cannot be read."""
    lowering = _Lowering(resolved, referred)
    experiment = lowering.experiment()
    return (None if lowering.found else experiment), lowering.found


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
        for key, error in unreadable(self.plain, family(self.plain["model"]["family"]).QUANTITIES):
            self.unreadable(key, error)

    def experiment(self) -> Experiment | None:
        self.check_quantities()
        if self.found:
            return None
        plain = self.plain
        training, law = self.training()
        if training is None:
            return None
        watching = family(training.family).watching(plain)
        promises = Promises(self.resolved, plain, self.referred, self.parent, watching, self.found)
        name, profile = plain["name"], self.resolved.profile
        experiment = Experiment(
            run=f"{name}.{profile}" if profile else name,
            name=name,
            profile=profile,
            title=text(plain["title"]),
            goal=text(plain["goal"]),
            date=plain.get("date"),
            training=training,
            schedule=law,
            checkpoint=self.checkpointing(),
            validation=self.validation(),
            loading={name: Loading(count, text(why)) for name, count, why in workers(plain, training.phases)},
            watching=watching,
            hardware=hardware(plain["hardware"]),
            launch=Launch(plain["launch"].get("name") or f"train_{name}", tuple(plain["launch"]["targets"]),
                          plain["launch"]["standalone"]),
            evaluation=promises.evaluation(),
            expectations=tuple(promises.expectations()),
            scenarios=promises.scenarios(),
            notes=tuple(Remark(note["about"], text(note["text"])) for note in plain["notes"]),
            claims=claims(self.resolved, self.unreadable),
            warnings=(),
            languages=tuple(plain["report"]["language"]),
            trackers=tuple(plain["report"]["trackers"]),
            changes=self.changes(),
            boundary=self.boundary(training),
            predictions=Predictions({}, {}, ()),
            guards=self.guards(training),
            milestones=tuple(promises.milestones(training, self.epoch_samples)),
            counted=family(training.family).COUNTED,
        )
        return replace(experiment, series=series(plain, self.referred, experiment))

    def training(self) -> tuple[Training | None, Any]:
        plain, chosen = self.plain, family(self.plain["model"]["family"])
        config = chosen.config(plain)
        if "schedule" not in plain:
            self.batch, self.epoch_samples = foreign.batch(plain), None
            return foreign.training(plain, config, self.resume()), None
        if self.parent and not self.parent.training.groups:
            self.found.append(self.resolved.diagnostic("E464", f"{self.parent.run} is a foreign program, whose checkpoints "
                                                       "nothing here can load", "resume.from", "train from scratch"))
            return None, None
        self.epoch_samples, length = chosen.epoch_samples(config), chosen.sample_length(config)
        if length < 1:
            self.unreadable("data", NotAQuantity(f"a sample would hold {length} {chosen.COUNTED}"))
            return None, None
        self.batch = Batch(plain["batch"]["rows"], length, plain["batch"]["accumulation"],
                           plain["batch"]["ranks"])
        groups, resume, end = chosen.groups(plain, config, self.batch), self.resume(), self.end()
        self.check_epochs()
        if end is None or self.found:
            return None, None
        clock = Clock(resume.step if resume else 0, known(resume.served) if resume else Served(0, 0), self.epoch_samples)
        phasing = Phasing(plain, self.batch, groups, clock, end)
        phases, steps = phasing.run(), phasing.steps
        if steps > LARGEST_COUNT:
            self.unreadable("epochs", NotAQuantity(f"{end} are {steps:,} updates, more than {LARGEST_COUNT:,}"))
        self.found += [self.resolved.diagnostic(one.code, one.message, one.key) for one in phasing.found]
        law = rates.schedule(plain["schedule"], steps, clock.step, self.length(plain["schedule"]["warmup_steps"]))
        return Training(
            family=plain["model"]["family"],
            config=config,
            batch=self.batch,
            phases=phases,
            groups=groups,
            curves={"rate": rates.rate_curve(law, steps, resume, self.parent.training if self.parent else None),
                    **(chosen.curves(config, steps) if hasattr(chosen, "curves") else {})},
            gradient_clip=_real(plain["optimizer"].get("gradient_clip")),
            steps=steps,
            seed=plain["seed"],
            precision=plain["precision"],
            compile=plain["compile"],
            resume=resume,
        ), law

    def guards(self, training: Training) -> tuple[Guard, ...]:
        made, found = guards.lower(self.resolved, self.plain["guards"], training, family(training.family).watching(self.plain))
        self.found += found
        return made

    def end(self) -> Length | None:
        """How long the run is; None where not exactly one key says so."""
        said = [name for name in ("steps", "epochs") if self.plain.get(name) is not None]
        if len(said) == 1:
            return parse_length(self.plain[said[0]], said[0])  # type: ignore[arg-type]
        if said:
            self.found.append(self.resolved.diagnostic("E417", "steps and epochs both say how long the run is", "epochs",
                                                       "keep one; `steps: null` takes an inherited one away", ["steps"]))
        else:
            self.found.append(self.resolved.diagnostic("E417", "neither steps nor epochs says how long the run is", "",
                                                       "add one of them, such as `steps: 20k`"))
        return None

    def check_epochs(self) -> None:
        """Reports lengths in epochs, where an epoch's samples are not known before the data is prepared."""
        if self.epoch_samples is not None:
            return
        for pattern, kind in (*QUANTITIES, ("epochs", "period")):
            for key, value in matching(self.plain, pattern.split(".")):
                if kind in ("length", "period") and (key == "epochs" or parse_length(value).unit == "epochs"):
                    self.found.append(self.resolved.diagnostic(
                        "E416", f"{key} counts in epochs, and how many samples one has is not known before the data is "
                        "prepared", key, "count in steps, samples or tokens"))

    def length(self, value: int | float | str) -> int:
        """A length in steps of the spec's own batch."""
        return period(value, self.batch, self.epoch_samples) if self.batch else parse_count(value)

    def validation(self) -> Validation | None:
        """When and on how much the loop validates; None where a foreign program sees to that."""
        said = self.plain["eval"].get("validation")
        if not said:
            return None
        return Validation(self.length(said["every"]), said["batches"], held_out(self.plain["model"]["family"]))

    def resume(self) -> Resume | None:
        if not self.parent:
            return None
        said = self.plain["resume"]
        step = parse_count(said["step"])
        return Resume(self.parent.run, training_sha256(self.parent.training), step, self.parent.training.served(step),
                      said["optimizer"], said["schedule"])

    def checkpointing(self) -> Checkpointing:
        if family(self.plain["model"]["family"]).watching(self.plain):
            return foreign.checkpointing(self.plain)
        said = self.plain["checkpoint"]
        keep_every = said.get("keep_every")
        return Checkpointing(self.length(said["every"]), said["keep_last"],
                             None if keep_every is None else self.length(keep_every), self.keep_best(said.get("keep_best")))

    def keep_best(self, said: dict[str, Any] | None) -> KeepBest | None:
        """What no validation measures has no direction; a check refuses it."""
        if said is None:
            return None
        known = {one.name: one.better for one in held_out(self.plain["model"]["family"]) if one.better}
        return KeepBest(said["metric"], known.get(said["metric"]) or "lower", said["count"])

    def changes(self) -> tuple[Change, ...]:
        if not self.parent:
            return ()
        return changed(self.referred[PARENT][0].plain(), self.plain)

    def boundary(self, training: Training) -> tuple[Any, ...]:
        if not self.parent or not training.resume or not (training.groups and self.parent.training.groups):
            return ()
        return rates.boundary(self.parent.training, training, training.resume.step)


def changed(before: dict[str, Any], after: dict[str, Any]) -> tuple[Change, ...]:
    """The settings that differ between two resolved specs, those of what is trained and where."""
    old, new = ({section: tree.get(section) for section in COMPARED_SECTIONS} for tree in (before, after))
    return tuple(Change(one.key, _written(one.before), _written(one.after)) for one in differences(old, new))


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
