"""What a foreign program whose rates are ours to say did with them: evidence in, rows and verdicts of the report out.

The facts were read back from its checkpoints when they were copied and when the run had ended; they stand in the record.
"""

from __future__ import annotations

import math
from typing import Any

from expc.compiler.contract.experiment import Experiment

from .evidence import Evidence

SAME_RATE, SAME_LOSS = 1e-6, 1e-3
"""Relative differences below which two rates, and two losses of the same weights on the same data, are the same."""


def readback(experiment: Experiment, evidence: Evidence) -> dict[str, Any] | None:
    """Rates by group, the last multiplier in the log, and the parity with the parent; None for programs that have no groups."""
    if experiment.watching is None or not experiment.training.groups:
        return None
    multipliers = [line["lrm"] for line in evidence.metrics if line["kind"] == "train" and line["lrm"] is not None]
    return {"rates": _rates(experiment, evidence), "lrm": multipliers[-1] if multipliers else None,
            "parity": _parity(experiment, evidence)}


def _latest(evidence: Evidence, name: str) -> dict[str, Any]:
    return next((one[name] for one in reversed(evidence.attempts) if one.get(name)), {})


def _rates(experiment: Experiment, evidence: Evidence) -> list[dict[str, Any]]:
    found, before = _latest(evidence, "rates"), _latest(evidence, "forked").get("rates") or {}
    return [{"group": group.name, "said": group.requested_rate, "asked": group.rate, **found[group.name],
             "parents": (before.get(group.name) or {}).get("stored"),
             "verdict": "same" if math.isclose(found[group.name]["stored"], group.rate, rel_tol=SAME_RATE) else "other"}
            for group in experiment.training.groups if group.name in found]


def _parity(experiment: Experiment, evidence: Evidence) -> dict[str, Any] | None:
    """The first validation after resuming against the parent's at that step."""
    forked, resume = _latest(evidence, "forked"), experiment.training.resume
    if resume is None or not forked:
        return None
    flags = experiment.training.config.command.flags
    theirs = forked.get("valid_bpb") or {}
    first = next((line["valid_bpb"] for line in evidence.metrics
                  if line["kind"] == "valid" and line["step"] == resume.step), None)
    if first is None or (theirs.get("tokens"), theirs.get("rows")) != (flags["eval_tokens"], flags["device_batch_size"]):
        return {"verdict": "incomparable"}
    difference = abs(first / theirs["value"] - 1)
    return {"verdict": "equal" if difference <= SAME_LOSS else "differ", "ours": first, "theirs": theirs["value"],
            "difference": difference}
