"""The runtime's commands: run a snapshot, look at runs, redo evaluation or documents. `expc` loads them by name."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from .errors import FAILED, INTERRUPTED, MISUSED, UserError, advice
from .progress import put, quiet_end, say
from .signals import interruptible
from .workspace import find_workspace

if TYPE_CHECKING:
    from .snapshot import Loaded

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def commands() -> None:
    """Execute snapshots and look at runs."""


def _print(text: str) -> None:
    put(f"{text}\n", sys.stdout)


@contextmanager
def _user_errors() -> Iterator[None]:
    """A user's mistake, or a missing piece, ends with its message and its exit code."""
    from expc.compiler.contract.markdown import visible

    try:
        with interruptible():
            yield
    except UserError as error:
        say(visible(f"error: {error}", keep="\n"))
        if path := os.environ.get("EXPC_EXIT_CODE"):  # a launcher whose torchrun will not tell it
            Path(path).write_text(f"{error.exit_code}\n", encoding="ascii")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        say("stopped at once; what was saved before is whole, and the same command goes on from it")
        sys.exit(INTERRUPTED)
    except OSError as error:
        if (what := advice(error)) is None:
            raise
        say(visible(f"error: {error.filename or error}: {error.strerror}; {what}"))
        sys.exit(FAILED)
    finally:
        quiet_end()


@commands.command()
@click.argument("snapshot", type=click.Path(path_type=Path))
@click.option("--stage", "stages", multiple=True, metavar="STAGE",
              help="Only this stage; may be repeated. One of preflight, prepare, train, evaluate, compare, report.")
@click.option("--accept-slow", is_flag=True, help="Begin even if it takes hours on this machine (EXPC_ACCEPT_SLOW=1).")
@json_option
def run(snapshot: Path, stages: tuple[str, ...], accept_slow: bool, as_json: bool) -> None:
    """Execute SNAPSHOT: preflight, prepare, train, evaluate, compare, report. 0 done, 3 stopped by a guard, 75 interrupted."""
    from .snapshot import load
    from .stages import STAGES
    from .stages import run as run_stages

    if accept_slow:
        os.environ["EXPC_ACCEPT_SLOW"] = "1"
    with _user_errors():
        loaded = load(snapshot)
        run_stages(loaded, stages or tuple(STAGES))
        if as_json:
            _print(json.dumps(_record(loaded.workspace, loaded.experiment.run), indent=2, ensure_ascii=False))


def _record(workspace: Path, run: str) -> dict[str, object]:
    from .files import read_json

    record = read_json(workspace / "runs" / run / "record.json")
    if not isinstance(record, dict):
        raise UserError(f"there is no run {run} in {workspace / 'runs'}", MISUSED)
    return record


@commands.command()
@json_option
def status(as_json: bool) -> None:
    """One line for each run of this workspace, newest first: outcome, step, last validation, pace, time left."""
    from .live.status import rows, table

    with _user_errors():
        found = rows(find_workspace(Path.cwd()))
    if as_json:
        _print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        _print("\n".join(table(found)) if found else "no runs yet")


@commands.command()
@click.argument("run", metavar="RUN", required=False)
@click.option("--once", is_flag=True, help="Print what there is to see now, and end.")
@click.option("--stay", is_flag=True, help="Do not end with the run: it may go on.")
@click.option("--json", "as_json", is_flag=True, help="Print what `expc status --json` says of this run, and end.")
def watch(run: str | None, once: bool, stay: bool, as_json: bool) -> None:
    """Follow RUN (the one that trains now, if none is named) until it ends; the exit code is the run's own. q leaves."""
    with _user_errors():
        from .live.choose import chosen

        folder = chosen(find_workspace(Path.cwd()), run)
        if as_json:
            from .live.facts import look
            from .live.status import row

            _print(json.dumps(row(look(folder)), indent=2, ensure_ascii=False))
            return
        from .live.screen import watch as follow

        sys.exit(follow(folder, once, stay))


def _loaded(name: str) -> Loaded:
    from .snapshot import load

    path = Path(name)
    if path.exists():
        return load(path)
    workspace = find_workspace(Path.cwd())
    for folder in (workspace / "runs" / name, workspace / "generated" / name):
        if (folder / "snapshot.json").is_file():
            return load(folder)
    raise UserError(f"there is no run or snapshot {name}; `expc status` lists runs", MISUSED)


def _stage_command(name: str, stage: str, words: str) -> None:
    @commands.command(name=name, help=words)
    @click.argument("run", metavar="RUN")
    @json_option
    def command(run: str, as_json: bool) -> None:
        from .stages import run as run_stages

        with _user_errors():
            loaded = _loaded(run)
            run_stages(loaded, (stage,))
            if as_json:
                _print(json.dumps(_record(loaded.workspace, loaded.experiment.run), indent=2, ensure_ascii=False))


_stage_command("eval", "evaluate", "Evaluate RUN's last checkpoint on its suites, unless that has been done.")
_stage_command("compare", "compare", "Compare RUN with the experiments that its spec names, and print the ranking.")


@commands.command()
@click.argument("run", metavar="RUN")
@click.option("--publish", is_flag=True, help="Also copy the documents and figures to reports/, to be committed.")
@json_option
def report(run: str, publish: bool, as_json: bool) -> None:
    """Write RUN's results documents anew from what was measured."""
    from .report import publish as copy
    from .report import write

    with _user_errors():
        loaded = _loaded(run)
        paths = write(loaded.experiment, loaded.workspace, say)
        if publish:
            paths = copy(loaded.experiment, loaded.workspace, paths)
        _print(json.dumps([str(path) for path in paths]) if as_json else "\n".join(map(str, paths)))


@commands.command()
@click.argument("run", metavar="RUN")
@click.option("--count", type=click.IntRange(1, 10_000), default=4, show_default=True, help="How many samples.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=1, show_default=True,
              help="The i-th sample depends on the seed and i alone.")
@click.option("--out", type=click.Path(path_type=Path), help="A new folder for them; without it, one in the run's.")
@click.option("--step", type=click.IntRange(0), help="The checkpoint of this step; without it, the newest.")
@json_option
def generate(run: str, count: int, seed: int, out: Path | None, step: int | None, as_json: bool) -> None:
    """Write samples from RUN's checkpoint: texts, MIDI or sound files, as its family has them."""
    with _user_errors():
        from .generate import generate as write

        loaded = _loaded(run)
        paths = write(loaded.experiment, loaded.workspace, count, seed, out, step, _nothing if as_json else say)
        _print(json.dumps([str(path) for path in paths]) if as_json else "\n".join(map(str, paths)))


@commands.command()
@click.argument("what", type=click.Choice(["batch", "seq_len"]))
@click.argument("spec", metavar="SPEC")
@click.option("--profile", metavar="NAME", help="Overlay this profile of the spec, such as smoke.")
@click.option("--memory", metavar="SIZE", help="Stay below so much, such as 8GB; without it, what this machine has free.")
@click.option("--patience", metavar="TIME", default="5m", show_default=True, help="A try that takes longer does not count as "
              "fitting.")
@click.option("--most", type=click.IntRange(1), help="Try nothing larger.")
@json_option
def probe(what: Literal["batch", "seq_len"], spec: str, profile: str | None, memory: str | None, patience: str,
          most: int | None, as_json: bool) -> None:
    """Find the largest batch (rows on a device) or sequence length with which SPEC trains on this machine, by trying.

    \b
    expc probe batch specs/meloformer_small.yaml
    expc probe seq_len specs/meloformer_small.yaml --profile smoke --memory 2GB

    SPEC is a spec, a snapshot or a run. Two updates are taken at each size, each in a process of its own.
    """
    import tempfile

    with _user_errors():
        from .probe import answer, quantity, text_of
        from .probe import probe as find

        limit, seconds = (None if memory is None else int(quantity(memory, "size"))), int(quantity(patience, "time"))
        with tempfile.TemporaryDirectory(prefix="expc-probe-") as folder:
            text = text_of(spec, profile, Path(folder), lambda name: _loaded(name).text)
            found = find(text, what, limit, seconds, most, Path(folder), _nothing if as_json else say)
        _print(json.dumps(found, indent=2) if as_json else answer(found))


def _nothing(message: str) -> None:
    """For output that is read by programs."""


def main() -> None:
    """`python -m expc.runtime`. A wrong use of the command line exits 64."""
    try:
        commands.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(MISUSED if isinstance(error, click.UsageError) else FAILED)
    except click.Abort:
        sys.exit(130)
