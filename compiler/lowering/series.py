"""The `series` section: the specs of the runs before this one in, what changed from run to run out.

The referred specs are compiled by the pipeline. Two runs' losses mean the same where data and chance level are the same,
which is what `meaning` gathers; what an evaluation asks for is no part of it.
"""

from __future__ import annotations

from typing import Any

from ..contract import names
from ..contract.codec import to_plain
from ..contract.experiment import Experiment
from ..contract.promises import Text
from ..contract.series import Member, Series, Shared, Step
from ..contract.snapshot import training_sha256
from ..contract.training import Training
from ..differences import leaves
from ..families import family
from ..frontend.resolve import Resolved
from .promises import text

SECTIONS = ("model", "command", "data", "batch", "optimizer", "schedule", "phases", "steps", "epochs", "seed", "precision",
            "compile", "resume")
ASKED = ("data.prompts", "data.guidance")
NOTHING = "[]"
"""How a list without items is written: no setting."""


def meaning(training: Training) -> dict[str, object]:
    """What decides the meaning of a run's losses, by name."""
    chance = family(training.family).chance_loss(training.config) if training.groups else None
    data = dict(leaves(to_plain(training.config).get("data", {}), "data"))
    return {"ln V": chance and round(chance, 3), **{key: one for key, one in data.items() if not key.startswith(ASKED)}}


def series(plain: dict[str, Any], referred: dict[str, tuple[Resolved, Experiment]], own: Experiment) -> Series | None:
    """The series that a spec lists, with its own run as the last one; None where it lists none."""
    if "series" not in plain:
        return None
    said, earlier = plain["series"], [one for key, one in referred.items() if key.startswith("series.")]
    settings = [*(_settings(resolved.plain()) for resolved, _ in earlier), _settings(plain)]
    experiments = [*(one for _, one in earlier), own]
    keys = tuple(dict.fromkeys(key for own in settings for key in own
                               if any(other.get(key) != own[key] for other in settings)))
    shared = tuple(Shared(key, value) for key, value in settings[-1].items()
                   if key not in keys and value != NOTHING)
    meanings = [meaning(one.training) for one in experiments]
    kinds = [meanings.index(one) for one in meanings]
    whys = [text(one["why"]) for one in (*said["runs"], said)]
    columns = zip(experiments, whys, settings, [settings[0], *settings[:-1]], kinds, strict=True)
    members = [_member(one, why, tuple(now.get(key) for key in keys), _changes(before, now), sorted(set(kinds)).index(kind))
               for one, why, now, before, kind in columns]
    deciding = dict.fromkeys(key for one in meanings for key in one if any(one[key] != other.get(key) for other in meanings))
    return Series(said["name"], text(said["title"]), keys, shared, tuple(deciding), tuple(members))


def _member(one: Experiment, why: Text, values: tuple[str | None, ...], changes: tuple[Step, ...], losses: int) -> Member:
    return Member(one.run, one.name, one.title, why, names.launcher(one, "bash"), one.training.steps,
                  training_sha256(one.training), values, changes, losses)


def _settings(plain: dict[str, Any]) -> dict[str, str]:
    """Every setting of a resolved spec as a spec would write it, by key; a list is one setting."""
    found: dict[str, str] = {}
    for key, value in leaves({section: plain[section] for section in SECTIONS if plain.get(section) is not None}):
        parts = key.split(".")
        whole = ".".join(part for part in parts if not part.isdigit())
        found[whole] = f"{found[whole]}, {_written(value)}" if whole in found else _written(value)
    return found


def _written(value: Any) -> str:
    """A value as text; whole numbers have one form, however a spec wrote them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)


def _changes(before: dict[str, str], after: dict[str, str]) -> tuple[Step, ...]:
    return tuple(Step(key, before.get(key), after.get(key)) for key in dict.fromkeys((*before, *after))
                 if before.get(key) != after.get(key))
