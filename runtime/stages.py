"""The stages of a run, in order: each can be run alone, again, or left out; each leaves its outcome in the record."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from . import distributed
from .errors import MISUSED, UserError
from .progress import say
from .record import Record
from .snapshot import Loaded, keep_copy
from .supervise import is_supervised, offer
from .workspace import run_folder


def _preflight(loaded: Loaded, record: Record) -> None:
    from .preflight import preflight

    preflight(loaded.experiment, loaded.workspace)


def _prepare(loaded: Loaded, record: Record) -> None:
    if is_supervised(loaded.experiment.training.family) and not offer(loaded.experiment.training.family, "prepare"):
        return say("nothing to prepare: the program reads its own data")
    from .prepare import prepare

    folder, fingerprint = prepare(loaded.experiment, loaded.workspace)
    say(f"data: {folder.relative_to(loaded.workspace)}, fingerprint {str(fingerprint['sha256'])[:12]}")


def _train(loaded: Loaded, record: Record) -> None:
    if is_supervised(loaded.experiment.training.family):
        from .supervise.train import train
    else:
        from .train import train

    train(loaded.experiment, loaded.workspace, record)


def _evaluate(loaded: Loaded, record: Record) -> None:
    if not (loaded.experiment.evaluation.suites or loaded.experiment.evaluation.measures):
        return say("this experiment asks for no evaluation of its own")
    from .evals import evaluate

    evaluate(loaded.experiment, loaded.workspace, say)


def _compare(loaded: Loaded, record: Record) -> None:
    from .compare import compare

    if loaded.experiment.evaluation.compare:
        compare(loaded.experiment, loaded.workspace, say)
    else:
        say("this experiment is compared with nothing")


def _report(loaded: Loaded, record: Record) -> None:
    from .report import write

    write(loaded.experiment, loaded.workspace, say)


STAGES: dict[str, Callable[[Loaded, Record], None]] = {
    "preflight": _preflight, "prepare": _prepare, "train": _train, "evaluate": _evaluate, "compare": _compare,
    "report": _report,
}


def run(loaded: Loaded, chosen: Sequence[str]) -> None:
    """Runs the chosen stages in their order. Raises UserError."""
    if unknown := [name for name in chosen if name not in STAGES]:
        raise UserError(f"there is no stage {unknown[0]}; there are {', '.join(STAGES)}", MISUSED)
    record = Record(run_folder(loaded.workspace, loaded.experiment.run), loaded.experiment, loaded.sha256)
    if distributed.is_main():
        record.make_way()
        keep_copy(loaded)
    for name, stage in STAGES.items():
        if name not in chosen:
            continue
        if not distributed.is_main():
            if name == "train":  # the other stages are one process's work
                stage(loaded, record)
            continue
        if len(chosen) > 1:  # a launcher that asks for one stage has said which
            say(f"== {loaded.experiment.run}: {name}")
        with record.stage(name):
            _work(stage, loaded, record)


def _work(stage: Callable[[Loaded, Record], None], loaded: Loaded, record: Record) -> None:
    try:
        stage(loaded, record)
    except OSError as error:
        from . import room

        if error.errno not in room.FULL:
            raise
        raise room.full(loaded.experiment, loaded.workspace, error) from error
