"""Figures that follow from the evidence by plain arithmetic: resources against their predictions, data, environment.

Values are in base units (bytes, seconds, tokens); what was not recorded is None and prints as a dash.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from expc.compiler.contract import quantities, rendering
from expc.compiler.contract.experiment import Experiment

from ..epochs import epochs as gone_through
from ..verdicts import other_hardware
from .evidence import Evidence


@dataclass(frozen=True)
class Resource:
    """One predicted figure beside its measurement. `comparable`: both are about the same machine and the same thing.

    `how` says of memory what was measured: `allocated` on the device, or `resident` in the process.
    """

    name: str
    unit: str
    predicted: float | None
    method: str | None
    measured: float | None
    how: str
    comparable: bool

    @property
    def ratio(self) -> float | None:
        """Measured / predicted, where both are known and comparable."""
        if not self.comparable or self.measured is None or not self.predicted:
            return None
        return self.measured / self.predicted


EXACT = ("parameters", "tokens")


def resources(experiment: Experiment, evidence: Evidence) -> list[Resource]:
    """Every prediction, and every resource that was measured without one."""
    same = on_target(experiment, evidence)
    found, units = _resources_found(experiment, evidence), {"peak_memory": "bytes", "train_time": "seconds",
                                                            "tokens_per_second": "per_second"}
    how = "resident" if "resident" in str(evidence.record.get("peak_memory_how")) else "allocated"

    def row(name: str, unit: str, predicted: float | None, method: str | None) -> Resource:
        memory = name == "peak_memory" and found[name] is not None
        comparable = name in EXACT or (same and not (memory and how == "resident"))
        return Resource(name, unit, predicted, method, found.get(name), how if memory else "", comparable)

    rows = [row(one.name, one.unit, one.value, one.method) for one in experiment.predictions.figures]
    told = {one.name for one in rows}
    return rows + [row(name, units.get(name, "number"), None, None) for name, value in found.items()
                   if name not in told and value is not None]


def _resources_found(experiment: Experiment, evidence: Evidence) -> dict[str, float | None]:
    parameters = evidence.record.get("parameters")
    return {
        "parameters": sum(parameters.values()) if parameters else None,
        "tokens": trained_tokens(experiment, evidence),
        "peak_memory": evidence.record.get("peak_memory"),
        "train_time": evidence.record.get("train_seconds"),
        "tokens_per_second": evidence.record.get("tokens_per_second"),
    }


def on_target(experiment: Experiment, evidence: Evidence) -> bool:
    """Whether the run's device is the one that the predictions are about."""
    return bool(evidence.attempts) and other_hardware(experiment, evidence.record) is None


def device_name(evidence: Evidence) -> str:
    """The card, or else the processor, that the latest attempt ran on; a dash where that was not recorded."""
    on_cpu = evidence.attempts and str(evidence.attempts[-1].get("device")).startswith("cpu")
    card, processor = evidence.host.get("gpu"), evidence.host.get("cpu")
    return str((processor if on_cpu else card) or processor or quantities.DASH)


def trained_steps(experiment: Experiment, evidence: Evidence) -> int | None:
    """Steps that this run has taken itself."""
    return None if evidence.step is None else max(0, evidence.step - experiment.training.start)


def trained_tokens(experiment: Experiment, evidence: Evidence) -> int | None:
    """Tokens that this run has trained on itself."""
    training = experiment.training
    own = None if evidence.step is None else training.own_served(evidence.step)
    return own.tokens if own else None


def epochs(experiment: Experiment, evidence: Evidence) -> float | None:
    """How often this run has gone through its training data."""
    own = None if evidence.step is None else experiment.training.own_served(evidence.step)
    return gone_through(experiment, evidence.record.get("data") or {}, own.samples, own.tokens) if own else None


def data_facts(evidence: Evidence) -> list[tuple[str, str]]:
    """(name, value) of the prepared data: whole numbers of its fingerprint, nested ones by dotted name."""
    def flat(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
        for name, value in sorted(values.items()):
            if isinstance(value, dict):
                yield from flat(value, f"{prefix}{name}.")
            elif isinstance(value, int) and not isinstance(value, bool):
                yield f"{prefix}{name}", quantities.integer(value)
            elif isinstance(value, float):
                yield f"{prefix}{name}", quantities.decimal(value, 3)
    return list(flat(evidence.record.get("data") or {}))


def environment(evidence: Evidence, yes: str, no: str) -> list[tuple[str, str]]:
    """(name, value) of the latest attempt's machine, versions and commit, as Markdown."""
    if not evidence.attempts:
        return []
    last, git = evidence.attempts[-1], evidence.attempts[-1].get("git") or {}
    facts = {"device": last.get("device"), **evidence.host}
    facts |= {"git.commit": git.get("commit"), "git.dirty": git.get("dirty")}
    order = ["device", "gpu", "cpu", "cores", "threads", "platform", "python", "torch", "git.commit", "git.dirty"]
    names = [name for name in order if name in facts] + sorted(set(facts) - set(order))
    return [(name, _shown(facts[name], yes, no)) for name in names]


def _shown(value: Any, yes: str, no: str) -> str:
    if value is None or value == "":
        return quantities.DASH
    if isinstance(value, bool):
        return yes if value else no
    text = str(value)
    return rendering.code(text) if re.fullmatch(r"[0-9a-f]{40}", text) else rendering.inline(text)
