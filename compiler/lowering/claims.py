"""The `claims` of a resolved spec to the contract's `Claims`: every figure read in its unit, nothing compared yet.

A claim is about the spec that states it. What a base file claims, or under a profile the spec at its full size, is about
another run and is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..contract.claims import Claims, Machine, Past, Range, Stated
from ..contract.quantities import NotAQuantity, parse, parse_count
from ..frontend.resolve import Resolved
from ..hardware import DEVICES

Report = Callable[[str, NotAQuantity], None]
SMALLEST, LARGEST = 1e-9, 1e18
KINDS = {"count": "number", "size": "bytes", "time": "seconds", "rate": "per_second", "loss": "nats"}
"""Unit of each kind of figure; rates and losses are plain numbers in a spec."""
RUN = {"parameters": "count", "optimizer_state": "size", "samples_per_update": "count", "samples": "count",
       "batches_per_epoch": "count", "epochs": "count", "tokens": "count"}
ON_A_MACHINE = {"device_memory": "size", "peak_memory": "size", "train_time": "time", "epoch_time": "time",
                "seconds_per_step": "time", "steps_per_second": "rate", "samples_per_second": "rate",
                "tokens_per_second": "rate"}


def claims(resolved: Resolved, unreadable: Report) -> Claims:
    """What this spec itself states; `unreadable` is told of every figure that cannot be read."""
    said: dict[str, Any] = {key: value for key, value in (resolved.value("claims") or {}).items()
                            if resolved.states(f"claims.{key}")}
    reader = _Reader(unreadable)
    machines = said.get("machines", ())
    return Claims(
        only_changes=tuple(said.get("only_changes", ())),
        figures=tuple(reader.figures("claims", said, RUN)),
        machines=tuple(reader.machine(f"claims.machines.{index}", one) for index, one in enumerate(machines)),
        losses=tuple(reader.past("claims.losses", said.get("losses", ()), "loss")),
        scores=tuple(reader.past("claims.scores", said.get("scores", ()), "fraction")),
    )


class _Reader:
    def __init__(self, unreadable: Report) -> None:
        self.unreadable = unreadable

    def machine(self, key: str, said: dict[str, Any]) -> Machine:
        rows = said.get("rows")
        return Machine(key, said["target"], DEVICES[said["target"]].title, int(said["count"]),
                       None if rows is None else int(rows), said["estimated"], tuple(self.figures(key, said, ON_A_MACHINE)))

    def past(self, key: str, items: Any, kind: str) -> Iterator[Past]:
        for index, said in enumerate(items):
            metric, step = said.get("metric"), said.get("step")
            quantity = metric or kind
            for figure in self.figures(f"{key}.{index}", {quantity: said["value"]}, {quantity: kind}, "value"):
                yield Past(said["of"], None if step is None else parse_count(step), metric, figure)

    def figures(self, key: str, said: dict[str, Any], kinds: dict[str, str], under: str = "") -> Iterator[Stated]:
        for quantity, kind in kinds.items():
            if quantity in said:
                place = f"{key}.{under or quantity}"
                yield Stated(place, quantity, KINDS.get(kind, kind), self.range(place, said[quantity], kind), None, None)

    def range(self, key: str, said: Any, kind: str) -> Range:
        low, high = said if isinstance(said, list) else (said, said)
        read = Range(self.number(key, low, kind), self.number(key, high, kind))
        if read.low > read.high:
            self.unreadable(key, NotAQuantity(f"{low} to {high} begins above its end"))
        return read

    def number(self, key: str, said: int | float | str, kind: str) -> float:
        """The number in its base unit; 1 where it cannot be read, which `unreadable` hears."""
        try:
            number = parse(said, kind if kind in ("size", "time", "fraction") else "count")
        except NotAQuantity as error:
            self.unreadable(key, error)
            return 1.0
        if not SMALLEST <= number <= LARGEST:
            self.unreadable(key, NotAQuantity(f"{str(said)[:40]} is not between {SMALLEST:g} and {LARGEST:g}"))
            return 1.0
        return number
