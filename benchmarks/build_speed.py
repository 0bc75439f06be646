"""How long the front end takes: cold processes of ours and of comparable tools, in turn, as seconds and ratios.

`python -m benchmarks.build_speed` prints three tables: one experiment against the import of the four libraries that the
front end stands on; 1, 100 and 1,000 specs in one process, with the peak of memory; the nearest command of other tools on
as many experiments. Each round runs every command once, so that a busy machine slows all of them alike; a ratio is the
median of the rounds' ratios, beside it stands that of the minima. Bytecode is kept as Python keeps it by default, and every
command has run once before it counts. `--quick` takes a few rounds and no 1,000 specs, `--no-peers` installs nothing.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.peers import Peer, installed

ROOT = Path(__file__).parents[1]
SPEC = "specs/d8_v2.yaml"
PYTHON = sys.executable
EXPC = str(Path(PYTHON).with_name("expc"))
LIBRARIES = "import click, yaml, jinja2, jsonschema"
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")} | {"NO_COLOR": "1"}
MEMBER = """\
expc: 1
name: series_{index:04}
title: {{zh: 系列 {index}, en: "Series {index}"}}
extends: d8_v2.yaml
optimizer: {{matrix_lr: {rate:.6f}}}
schedule: {{warmdown_of: total}}
launch: {{name: series_{index:04}}}
"""


@dataclass
class Command:
    """A program to run in a folder; `fresh` is not there when it begins. Runs are (seconds, peak bytes)."""

    name: str
    words: tuple[str, ...]
    folder: Path
    fresh: Path | None = None
    runs: list[tuple[float, int]] = field(default_factory=list)

    def run(self) -> tuple[float, int]:
        """Wall-clock seconds of a process, and the most memory that it held."""
        if self.fresh and self.fresh.exists():  # not deleted: ext4 makes files slowly for seconds after it has lost many
            self.fresh.rename(Path(tempfile.mkdtemp(dir=self.fresh.parent)) / self.fresh.name)
        with tempfile.TemporaryFile() as said:
            started = time.perf_counter()
            process = subprocess.Popen(self.words, cwd=self.folder, env=ENVIRONMENT, stdout=said, stderr=said)
            _, status, usage = os.wait4(process.pid, 0)
            took = time.perf_counter() - started
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                said.seek(0)
                raise SystemExit(f"{self.name} failed with {process.returncode}:\n{said.read().decode()[-2000:]}")
        return took, usage.ru_maxrss * 1024

    @property
    def seconds(self) -> list[float]:
        return [seconds for seconds, _ in self.runs]

    @property
    def peak(self) -> float:
        """Median of the peaks, in MB."""
        return statistics.median(peak for _, peak in self.runs) / 1e6


def in_turn(commands: Iterable[Command], rounds: int) -> None:
    """Runs all commands once without counting, then `rounds` times, each round in another order."""
    commands = list(commands)
    for command in commands:
        command.run()
    for index in range(rounds):
        turn = index % len(commands)
        for command in commands[turn:] + commands[:turn]:
            command.runs.append(command.run())
        print(f"\r{index + 1}/{rounds} rounds ", end="", file=sys.stderr, flush=True)
    print("\r" + " " * 20 + "\r", end="", file=sys.stderr)


def table(title: str, commands: Iterable[Command], base: Command, unit: str) -> None:
    """Prints seconds and the ratios to `base`."""
    print(f"\n{title:<44} {'median s':>9} {'minimum s':>10} {unit:>12} {'of minima':>10} {'peak MB':>8}")
    for one in commands:
        ratio = statistics.median(own / other for own, other in zip(one.seconds, base.seconds, strict=True))
        minima = min(one.seconds) / min(base.seconds)
        print(f"{one.name:<44} {statistics.median(one.seconds):9.3f} {min(one.seconds):10.3f} {ratio:12.2f} {minima:10.2f} "
              f"{one.peak:8.1f}")


def workspace(folder: Path, members: int) -> None:
    """A workspace with the shipped specs and a series that varies one rate of the largest of them."""
    shutil.copytree(ROOT / "specs", folder / "specs")
    for index in range(members):
        text = MEMBER.format(index=index, rate=0.016 * (1 + index / members))
        (folder / "specs" / f"series_{index:04}.yaml").write_text(text, encoding="utf-8")


def series(folder: Path, members: int) -> Command:
    """The build of the first members of the series, written anew."""
    specs = (f"specs/series_{index:04}.yaml" for index in range(members))
    return Command(f"expc build, specs: {members:,}", (EXPC, "build", *specs), folder, folder / "generated")


def single(folder: Path) -> list[Command]:
    """One experiment: the libraries first, to which the others are compared."""
    return [
        Command(LIBRARIES, (PYTHON, "-c", LIBRARIES), ROOT),
        Command("expc --help", (EXPC, "--help"), ROOT),
        Command(f"expc check {SPEC}", (EXPC, "check", SPEC), ROOT),
        Command(f"expc build {SPEC}", (EXPC, "build", SPEC, "--out", str(folder / "out")), ROOT, folder / "out"),
    ]


def peer_commands(peers: list[Peer], folder: Path, many: int) -> tuple[list[Command], list[Command]]:
    """The peers' commands for one experiment and for many."""
    ones = [Command(peer.name, peer.one, folder / peer.folder) for peer in peers]
    lots = [Command(f"{peer.name}, {many} at once", peer.many, folder / peer.folder) for peer in peers if peer.many]
    return ones, lots


def machine() -> str:
    """The machine in words."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{model}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, load {load}"


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few rounds, no 1,000 specs")
    parser.add_argument("--no-peers", action="store_true", help="leave the other tools out; nothing is installed")
    chosen = parser.parse_args()
    rounds, large_rounds = (3, 2) if chosen.quick else (15, 5)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        workspace(folder, 1000)
        peers = [] if chosen.no_peers else installed(folder, ROOT, SPEC)
        print(machine())
        own, (ones, lots) = single(folder), peer_commands(peers, folder, 100)
        in_turn([*own, *ones], rounds)
        table("one experiment, cold process", own, own[0], "x libraries")
        if ones:
            table("one experiment, other tools", [own[-1], *ones], own[-1], "x expc build")
        one, hundred = series(folder, 1), series(folder, 100)
        in_turn([one, hundred, *lots], large_rounds)
        table("a series in one process", [one, hundred], one, "x one spec")
        if lots:
            table("a hundred experiments, other tools", [hundred, *lots], hundred, "x expc build")
        if not chosen.quick:
            again, thousand = series(folder, 100), series(folder, 1000)
            in_turn([again, thousand], 3)
            table("ten times as many", [again, thousand], again, "x 100 specs")


if __name__ == "__main__":
    main()
