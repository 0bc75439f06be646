"""What a finding is about. In: a finding. Out: the keys of a spec that it hangs on besides those that it names; while one of
them is not known, nobody can tell whether the finding holds."""

from __future__ import annotations

from .diagnostics import Diagnostic
from .lowering.readable import QUANTITIES

Path = tuple[str, ...]
TRAINING = ("model", "data", "batch", "optimizer", "schedule", "phases", "steps", "epochs", "seed", "precision", "compile",
            "resume", "checkpoint", "hardware", "eval", "command", "watch")
MEASURED = ("model.family", "eval.suites", "watch")  # what decides which metrics there are, and their units
PROMISED = ("expect", "milestones", "scenarios")
NOTHING: tuple[str, ...] = ()
BY_CODE: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("E221", "E222", "E333", "E343", "E350", "E354", "E355", "E371", "E372"), NOTHING),
    **dict.fromkeys(("E386", "E387", "E430", "E435", "E436"), NOTHING),
    **dict.fromkeys(("E330", "E340", "E341", "E342", "E351", "E353"), ("eval.suites",)),
    **dict.fromkeys(("E301", "E303", "E331"), ("model.family",)),
    **dict.fromkeys(("E332", "E335", "E440", "E431", "E432", "E433"), MEASURED),
    "E302": ("model.family", "data.path", "data.pieces"), "E304": ("model.family", "hardware.target"), "E311": ("resume.from",),
    "E305": ("resume", "steps", "epochs", "batch", "schedule", "phases"),
    "E310": ("resume", "steps", "epochs", "batch", "phases"), "E360": ("name", "launch", "resume"),
    "E416": ("data", "model"), "E417": ("steps", "epochs"), "E441": ("steps", "epochs")}
"""One that is not listed is about all of the training."""


def besides(one: Diagnostic, path: Path) -> tuple[str, ...]:
    """The keys that a finding hangs on besides its own, of which `path` is the first."""
    if one.code == "E370":  # the note's own words name a key
        return tuple(one.message.split('"')[1:2])
    if one.code != "E110":
        return BY_CODE.get(one.code, TRAINING)
    if any(_fits(pattern.split("."), path) for pattern, _ in QUANTITIES):
        return NOTHING
    return MEASURED if path[0] in PROMISED else ("model.family",)


def _fits(pattern: list[str], path: Path) -> bool:
    return len(pattern) == len(path) and all(a in (b, "*") for a, b in zip(pattern, path, strict=True))
