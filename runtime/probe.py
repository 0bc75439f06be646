"""`expc probe`: how many rows, or how long ones, fit this machine. Real updates are tried, at sizes that double until one
does not fit and then close in on the largest that does.

Each try is a process of its own (`python -m expc.runtime.probe`), so that one that is killed for its memory is an answer.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from expc.compiler.contract import snapshot
from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.quantities import NotAQuantity, duration, parse, size
from expc.compiler.contract.training import Training, known

from .errors import FAILED, MISUSED, UserError

Kind = Literal["batch", "seq_len"]
FIRST: dict[Kind, int] = {"batch": 1, "seq_len": 128}
MOST: dict[Kind, int] = {"batch": 65_536, "seq_len": 4_194_304}
FINEST = 16
"""The answer is exact to the unit, beyond so many units to that part of itself."""
MICRO_BATCHES = 2
"""Accumulated at most: more of them need no more memory, since gradients stand beside activations from the second one on."""
OUT_OF_MEMORY = 77
"""Exit status of a try that ran out of memory and could say so."""


@dataclass(frozen=True)
class Try:
    """One size: whether it fits; its peak in bytes and the seconds of an update where it came to an end; else why not."""

    size: int
    fits: bool
    peak_memory: int | None
    seconds: float | None
    why: str


def search(attempt: Callable[[int], Try], first: int, most: int) -> list[Try]:
    """Tries in order: doubling from `first` up to `most`, then halving the gap, until it is at most `first` or a sixteenth."""
    tries = [attempt(first)]
    while tries[-1].fits and tries[-1].size < most:
        tries.append(attempt(min(2 * tries[-1].size, most)))
    if tries[-1].fits or len(tries) == 1:
        return tries
    fits, not_ = tries[-2].size, tries[-1].size
    while not_ - fits > max(first, fits // FINEST):
        middle = fits + max((not_ - fits) // 2 // first, 1) * first
        tries.append(attempt(middle))
        fits, not_ = (middle, not_) if tries[-1].fits else (fits, middle)
    return tries


def quantity(said: str, kind: str) -> float:
    """A size or a time of the command line. Raises UserError."""
    try:
        return parse(said, kind)
    except NotAQuantity as error:
        raise UserError(str(error), MISUSED) from error


def text_of(spec: str, profile: str | None, folder: Path, of_run: Callable[[str], str]) -> str:
    """The snapshot's text: of a spec compiled by a process of its own (the runtime knows no YAML), else of a run. Raises
    UserError."""
    if not spec.endswith((".yaml", ".yml")):
        if profile:
            raise UserError(f"{spec} has been compiled already; --profile goes with a spec", MISUSED)
        return of_run(spec)
    chosen = ["--profile", profile] if profile else []
    done = subprocess.run([sys.executable, "-c", "from expc.compiler.cli import main; main()", "build", spec, *chosen,
                           "--out", str(folder / "built")], capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"{spec} does not compile:\n{done.stderr.strip()}", done.returncode)
    return next((folder / "built").glob("*/snapshot.json")).read_text(encoding="utf-8")


def length_of(training: Training) -> int | None:
    """How long the family's sequences are: the model's `sequence_length`, which need not be what a batch counts of a sample
    (a glyph is one, however many tokens draw it). None where the family has no such setting."""
    return getattr(getattr(training.config, "model", None), "sequence_length", None)


def shaped(training: Training, rows: int, length: int) -> Training:
    """The training with another batch: so many rows of that length (0: as it is), accumulated at most twice."""
    batch, config, own = known(training.batch), training.config, length_of(training)
    batch = replace(batch, rows=rows, accumulation=min(batch.accumulation, MICRO_BATCHES))
    if length and own is not None:
        config = replace(config, model=replace(config.model, sequence_length=length))
        if batch.sequence_length == own:
            batch = replace(batch, sequence_length=length)
    return replace(training, batch=batch, config=config)


def spec_says(experiment: Experiment, kind: Kind) -> int:
    """The size in the spec. Raises UserError where the family's samples have no length that can be set."""
    if kind == "batch":
        return known(experiment.training.batch).rows
    if (length := length_of(experiment.training)) is None:
        raise UserError(f"the family {experiment.training.family} has no sequence length to probe; probe batch instead",
                        MISUSED)
    return length


def probe(text: str, kind: Kind, memory: int | None, patience: int, most: int | None, folder: Path,
          say: Callable[[str], None]) -> dict[str, Any]:
    """What fits, as plain values: `largest` (None: nothing), `spec`, every try. `text` is the snapshot's, `memory` the limit
    in bytes, `patience` the seconds that a try may take; `folder` is for temporary files. Raises UserError."""
    from .train import device

    experiment = snapshot.loads(text)
    if experiment.training.batch is None or not experiment.training.groups:
        raise UserError(f"{experiment.run} is a foreign program, whose updates nothing here can take", MISUSED)
    said, where = spec_says(experiment, kind), str(device())
    path = folder / "snapshot.json"
    path.write_text(text, encoding="utf-8")
    limit = memory or _available(where)
    left_out = not_counted(experiment.training)
    say(f"{experiment.run} on {where}: at most {size(limit) if limit else 'all of its memory'}, at most "
        f"{duration(patience)} a try; the spec says {said:,}{f'; not counted: {left_out}' if left_out else ''}")

    def attempt(wanted: int) -> Try:
        rows, length = (wanted, 0) if kind == "batch" else (known(experiment.training.batch).rows, wanted)
        made = _attempt(path, wanted, rows, length, limit, patience)
        say(shown(made, kind))
        return made

    most = most or MOST[kind]
    tries = search(attempt, min(FIRST[kind], most), most)
    fitting = [one.size for one in tries if one.fits]
    least = min((one for one in tries if not one.fits), key=lambda one: one.size, default=None)
    return {"run": experiment.run, "what": kind, "device": where, "memory": limit, "spec": said,
            "tries": [asdict(one) for one in tries], "largest": max(fitting, default=None),
            "too_large": least.size if least else None, "why": least.why if least else None, "not_counted": left_out}


def not_counted(training: Training) -> str:
    """What a family's updates leave out on this machine, so that less may fit than is found; empty where nothing."""
    from . import families

    said: str = getattr(families.load(training.family), "not_counted", lambda training: "")(training)
    return said


def shown(one: Try, kind: Kind) -> str:
    """A try as a line."""
    what = f"{one.size:,} row{'s'[:one.size > 1]}" if kind == "batch" else f"length {one.size:,}"
    if one.peak_memory is None or one.seconds is None:
        return f"{what}: does not fit ({one.why})"
    return f"{what}: {'fits' if one.fits else 'does not fit'}, peak {size(one.peak_memory)}, {one.seconds:.3g} s an update"


def answer(found: dict[str, Any]) -> str:
    """The result as a sentence."""
    largest, beyond, said = found["largest"], found["too_large"], found["spec"]
    what = ("{:,} row" if (largest or beyond) == 1 else "{:,} rows") if found["what"] == "batch" else "a length of {:,}"
    if largest is None:
        return f"too large already: {what.format(beyond)} ({found['why']}); the spec says {said:,}"
    end = f"{beyond:,} does not: {found['why']}" if beyond else "no more was tried"
    verdict = "fits" if said <= largest else "does not fit" if beyond and said >= beyond else "lies beyond what was tried"
    left_out = f"; not counted, so less may fit: {found['not_counted']}" if found.get("not_counted") else ""
    return f"largest that fits: {what.format(largest)} ({end}); the spec's {said:,} {verdict}{left_out}"


def _available(where: str) -> int | None:
    """On a CPU nine tenths of the memory that is free, so that a try never drives other programs out; a GPU has its own end."""
    if where != "cpu":
        return None
    lines = Path("/proc/meminfo")
    if not lines.is_file():
        return None
    free = next((line.split()[1] for line in lines.read_text().splitlines() if line.startswith("MemAvailable:")), None)
    return int(free) * 1024 * 9 // 10 if free else None


def _attempt(path: Path, wanted: int, rows: int, length: int, limit: int | None, patience: int) -> Try:
    """One try in a process of its own. Raises UserError where it fails for another reason than memory or time."""
    command = [sys.executable, "-m", "expc.runtime.probe", str(path), str(rows), str(length), str(limit or 0)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=patience, check=False)
    except subprocess.TimeoutExpired:
        return Try(wanted, False, None, None, f"not done after {duration(patience)}")
    if done.returncode == 0:
        said = json.loads(done.stdout.splitlines()[-1])
        fits = not limit or said["peak_memory"] <= limit
        return Try(wanted, fits, said["peak_memory"], said["seconds"], "" if fits else "over the limit")
    if done.returncode == OUT_OF_MEMORY:
        return Try(wanted, False, None, None, "out of memory")
    if done.returncode < 0:
        return Try(wanted, False, None, None, f"ended by signal {-done.returncode}, as for want of memory")
    raise UserError(f"the try with {wanted:,} failed: {(done.stderr.strip().splitlines() or ['no word'])[-1]}", FAILED)


def _child(path: str, rows: str, length: str, limit: str) -> int:
    """Takes updates of one shape; prints seconds and peak. On a CPU the limit holds for what the process allocates."""
    from . import families
    from .memory import peak_memory, ran_out
    from .train import device

    experiment = snapshot.loads(Path(path).read_text(encoding="utf-8"))
    where = device()
    _limit(where.type, int(limit))
    try:
        seconds = families.load(experiment.training.family).probe(shaped(experiment.training, int(rows), int(length)), where, 1)
    except (RuntimeError, MemoryError) as error:
        if ran_out(error):
            return OUT_OF_MEMORY
        raise
    print(json.dumps({"seconds": seconds, "peak_memory": peak_memory()[0]}))
    return 0


def _limit(kind: str, limit: int) -> None:
    if not limit:
        return
    if kind == "cuda":
        import torch

        torch.cuda.set_per_process_memory_fraction(min(1.0, limit / torch.cuda.get_device_properties(0).total_memory))
        return
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (limit if most == resource.RLIM_INFINITY else min(limit, most), most))


if __name__ == "__main__":
    sys.exit(_child(*sys.argv[1:]))
