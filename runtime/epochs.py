"""How far a run has come in epochs: the fingerprint of its data in, and how many samples it was served; a number out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from expc.compiler.contract.experiment import Experiment


def epochs(experiment: Experiment, fingerprint: Mapping[str, Any], samples: int, counted: int) -> float | None:
    """How often the training data were gone through with so many samples, which hold so much of what the experiment counts.

    A fingerprint says how many rows an epoch has, or how much of what is counted (`tokens`, where it has no word of the
    family's own) the training part holds. None where it says neither.
    """
    if isinstance(rows := fingerprint.get("rows"), int):
        return samples / rows
    parts = next((one for name in (experiment.counted, "tokens") if isinstance(one := fingerprint.get(name), dict)), {})
    return counted / size if (size := parts.get("train")) else None
