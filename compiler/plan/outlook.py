"""What can be said of a run before it starts, as a plan shows it: an experiment in, the steps of its schedule's phases and
the time and cost on each target out. Each figure keeps the method that it was got with.
"""

from __future__ import annotations

from dataclasses import replace

from ..contract.experiment import Experiment, Hardware
from ..contract.phases import Phase
from ..contract.promises import Prediction
from ..contract.record import dataclass
from ..contract.schedules import Segment
from ..contract.training import Training
from ..estimate import estimate, figure
from ..hardware import DEVICES
from ..lowering.phases import WHOLE

UNKNOWN = "nothing here can tell"
UNKNOWN_PRICE = "the spec states no price for this target"


@dataclass(frozen=True)
class Stretch:
    """Steps `start` <= n < `end` of the rate's law: warmup, constant, or warmdown. `last`: the multiplier it leads to."""

    name: str
    start: int
    end: int
    last: float


@dataclass(frozen=True)
class Outlook:
    """One target: whether the run's memory fits (bytes; None: unknown), how long it takes (seconds) and what it costs."""

    target: str
    title: str
    count: int
    device_memory: int | None
    peak_memory: Prediction
    time: Prediction
    cost: Prediction


def stretches(training: Training) -> tuple[Stretch, ...]:
    """The run's own steps by what the rate does in them; none where expc does not set the rate.

    The first update at the full rate is a warmup's last, as a spec counts it; the law begins its next segment there.
    """
    segments = training.curves["rate"].segments if "rate" in training.curves else ()
    risen = {one.end for one in segments if _name(one) == "warmup"}
    found = (Stretch(_name(one), one.start + (one.start in risen), one.end + (one.end in risen), one.last) for one in segments)
    return tuple(one for one in found if one.start < one.end)


def _name(segment: Segment) -> str:
    if segment.law == "constant" or segment.first == segment.last:
        return "constant"
    return "warmup" if segment.last > segment.first else "warmdown"


def phases(training: Training) -> tuple[Phase, ...]:
    """The run's phases; none where its spec names none."""
    return () if {phase.name for phase in training.phases} <= {WHOLE} else training.phases


def in_words(phase: Phase, counted: str) -> str:
    """How much an update of a phase sees."""
    batch = phase.batch
    return (f"{batch.tokens:,} {counted} an update ({batch.rows} rows x {batch.accumulation} x {batch.ranks} ranks x "
            f"{batch.sequence_length:,})")


def outlook(experiment: Experiment, target: str) -> Outlook:
    """Memory, time and cost on a device of the catalogue, as many of them as the spec says."""
    if target == experiment.hardware.target:
        hardware, predictions = experiment.hardware, experiment.predictions
    else:
        hardware = _moved(experiment.hardware, target)
        predictions = estimate(replace(experiment, hardware=hardware))
    memory, time, cost = (figure(predictions, name) or _unknown(name, unit, why) for name, unit, why in (
        ("peak_memory", "bytes", UNKNOWN), ("train_time", "seconds", UNKNOWN), ("cost", "number", UNKNOWN_PRICE)))
    return Outlook(target, hardware.title, hardware.count, hardware.device_memory, memory, time, cost)


def _unknown(name: str, unit: str, why: str) -> Prediction:
    return Prediction(name, None, unit, "unverified", why)


def _moved(hardware: Hardware, target: str) -> Hardware:
    """The same number of other devices; a price is that of the machine that the spec states it for."""
    device = DEVICES[target]
    return replace(hardware, target=target, title=device.title, device_memory=device.memory, peak_flops=device.peak_flops,
                   bandwidth=device.bandwidth, price_per_hour=None, currency=None)
