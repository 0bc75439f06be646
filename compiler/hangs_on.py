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
LIVE = ("model.family", "watch")  # what is measured while it trains
BATCHES = ("model", "data", "batch", "phases")
LENGTH = ("model", "data", "batch", "resume", "steps", "epochs")  # what says how many steps there are, and how long each is
WORK = (*LENGTH, "phases")
SIZE = (*BATCHES, "optimizer", "precision", "compile", "hardware")
KIND = ("model.family",)
NOTHING: tuple[str, ...] = ()
BY_CODE: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("E221", "E222", "E333", "E343", "E350", "E354", "E355", "E371", "E372"), NOTHING),
    **dict.fromkeys(("E381", "E386", "E387", "E418", "E430", "E435", "E436", "E451", "E460", "E484"), NOTHING),
    **dict.fromkeys(("W381", "W383", "W385", "W387", "W388"), NOTHING),
    **dict.fromkeys(("E330", "E340", "E341", "E342", "E351", "E353", "W392"), ("eval.suites",)),
    **dict.fromkeys(("E301", "E303", "E331", "E480", "E490", "E492"), KIND),
    **dict.fromkeys(("E332", "E335", "E336"), MEASURED),
    **dict.fromkeys(("E345", "E431", "E432", "E433", "E437", "E440"), LIVE),
    **dict.fromkeys(("E384", "E414", "E415", "E434", "W419"), BATCHES),
    **dict.fromkeys(("E382", "E410", "E411", "W306", "W380", "W413", "W430", "W511"), WORK),
    **dict.fromkeys(("E320", "W321", "W394"), SIZE),
    "E302": (*KIND, "data.path", "data.pieces"), "E304": (*KIND, "hardware.target"), "E311": ("resume.from",),
    "E305": (*WORK, "schedule"), "E307": (*KIND, "data.source"), "E310": WORK, "E312": (*KIND, "resume"),
    "E322": ("hardware",), "E346": (*LENGTH, "eval.validation"), "E360": ("name", "launch", "resume"),
    "E385": ("resume",), "E412": (*BATCHES, "schedule"), "E416": ("data", "model"),
    "E417": ("steps", "epochs"), "E441": ("steps", "epochs"), "E442": (*LENGTH, "eval.validation"),
    "E493": ("model", "phases"), "W334": (*MEASURED, "model"), "W352": (*LENGTH, "eval.compare", "notes"),
    "W382": ("batch", "hardware", "claims"), "W384": ("model",), "W386": ("eval.suites", "expect"),
    "W389": (*LENGTH, "schedule"), "W491": KIND, "W510": ("model", "data")}
"""One that is not listed is about all of the training."""
CLAIMED = {"parameters": ("model",), "optimizer_state": ("model", "optimizer"), "samples_per_update": ("batch",)}


def besides(one: Diagnostic, path: Path) -> tuple[str, ...]:
    """The keys that a finding hangs on besides its own, of which `path` is the first."""
    if one.code == "E380":
        return CLAIMED.get(path[-1], WORK)
    if one.code == "E336" and "hardware.target" in one.keys:  # by what the plan computes
        return TRAINING
    if one.code == "E370":  # the note's own words name a key
        return tuple(one.message.split('"')[1:2])
    if one.code != "E110":
        return BY_CODE.get(one.code, TRAINING)
    if any(_fits(pattern.split("."), path) for pattern, _ in QUANTITIES):
        return NOTHING
    return MEASURED if path[0] in PROMISED else ("model.family",)


def _fits(pattern: list[str], path: Path) -> bool:
    return len(pattern) == len(path) and all(a in (b, "*") for a, b in zip(pattern, path, strict=True))
