"""What the compiler knows of a foreign program: its part of the schema, how it is started and watched.

Of its model, memory and speed nothing is known before it runs: those are dashes, never zeros.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..contract.command_line import Flag, Style, text
from ..contract.families.command import Command, Config
from ..contract.metrics import Metric
from ..contract.quantities import parse
from ..contract.watching import Judge, Reader, Saved, Watching

SCHEMA_FILE = "command.schema.json"
QUANTITIES = (("watch.grace", "time"), ("watch.silence", "time"))
METRICS: tuple[Metric, ...] = ()
EVALUATED: tuple[Metric, ...] = ()
LOGGED: tuple[Metric, ...] = ()
SPLITS_BATCH = False
COUNTED = "tokens"
LOSS_UNIT = "number"
INDICATORS: tuple[str, ...] = ()


def config(plain: dict[str, Any]) -> Config:
    """The frozen configuration of a valid spec's `command`."""
    said = plain["command"]
    style = Style(said["form"], said["booleans"], said["lists"], said["nested"], said["words"])
    return Config(Command(tuple(said["run"]), said["directory"], style, flags(said["flags"]),
                          {name: text(value) for name, value in said["env"].items()}, tuple(said["env_from"])))


def flags(said: dict[str, Any]) -> dict[str, Flag]:
    """Nested flags by one name each, joined by dots, in the order of the spec."""
    return dict(_flat(said, ""))


def _flat(said: dict[str, Any], prefix: str) -> Iterator[tuple[str, Flag]]:
    for name, value in said.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, tuple(value) if isinstance(value, list) else value


def watching(plain: dict[str, Any]) -> Watching:
    """How the program is watched, from a valid spec's `watch` and `eval.program`. Raises `NotAQuantity`."""
    said, judge = plain["watch"], plain["eval"].get("program")
    saved = said.get("checkpoints")
    return Watching(
        readers=readers(said["metrics"]),
        checkpoints=Saved(saved["path"], flags(saved["resume"]), saved["counts_from"]) if saved else None,
        finished=said.get("finished"),
        terminal=said["terminal"],
        grace=parse(said["grace"], "time"),
        silence=parse(said["silence"], "time"),
        judge=Judge(tuple(judge["run"]), readers(judge["metrics"])) if judge else None,
    )


def readers(said: list[dict[str, Any]]) -> tuple[Reader, ...]:
    """What `metrics` says, one by one."""
    return tuple(Reader(one.get("line"), one.get("json"), dict(one["names"]), one["kind"], one["counts_from"]) for one in said)
