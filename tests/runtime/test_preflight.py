"""Preflight names everything that is missing, at once, each with what makes it."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.guards import NOT_FINITE, Action, Guard
from expc.compiler.contract.promises import Compared, Predictions
from expc.runtime import preflight as module
from expc.runtime import stages
from expc.runtime.errors import MISSING, UserError
from expc.runtime.snapshot import load
from tests.runtime import toy_family


def missing(workspace: Path, experiment: Experiment) -> str:
    """What preflight refuses with."""
    toy_family.write(workspace, experiment)
    with pytest.raises(UserError) as error:
        module.preflight(experiment, workspace)
    assert error.value.exit_code == MISSING
    return str(error.value)


def gpu(experiment: Experiment) -> Experiment:
    """The same experiment, meant for a GPU."""
    return dataclasses.replace(experiment, hardware=dataclasses.replace(experiment.hardware, target="h200"))


def test_ready(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module.preflight(toy_family.experiment(toy_family.training()), toy)
    assert "everything that the run needs is there" in capsys.readouterr().err


def test_everything_missing_is_said_at_once(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parent = toy_family.training(20)
    toy_family.write(toy, toy_family.experiment(parent))
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: SimpleNamespace(free=2_000_000))
    child = dataclasses.replace(toy_family.child(parent, 20, 40), predictions=Predictions({"all": 10**6}, {}, ()))
    said = missing(toy, child)
    assert "runs/toy/checkpoints/step_000020 is missing; make it with: bash generated/train_toy.sh" in said
    assert "about 48.09 MB more are needed on this disk, and 2.00 MB are free: 4 checkpoints of 12.02 MB, metrics 5.28" in said


def test_hours_on_a_cpu_are_not_begun_unasked(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(module.ACCEPT_SLOW, raising=False)
    slow = gpu(toy_family.experiment(toy_family.with_model(toy_family.training(15_000), delay=2.4)))
    said = missing(toy, slow)
    assert "the run would take about 10 h 0 min here (measured 2.40 s an update x 15,000 updates)" in said
    assert "EXPC_ACCEPT_SLOW=1" in said
    monkeypatch.setenv(module.ACCEPT_SLOW, "1")
    module.preflight(slow, toy)


@pytest.mark.parametrize("delay", [0.1])
def test_minutes_are_no_reason_to_stop(toy: Path, delay: float) -> None:
    assert not os.environ.get(module.ACCEPT_SLOW)
    module.preflight(gpu(toy_family.experiment(toy_family.with_model(toy_family.training(1000), delay=delay))), toy)


def test_what_a_cpu_is_meant_for_is_never_asked_about(toy: Path) -> None:
    module.preflight(toy_family.experiment(toy_family.with_model(toy_family.training(10**6), delay=10.0)), toy)


def test_a_missing_compared_run_is_a_note(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = toy_family.experiment(toy_family.training())
    other = Compared("d4", "d4", {}, 10, "0" * 64, None)
    module.preflight(dataclasses.replace(made, evaluation=dataclasses.replace(made.evaluation, compare=(other,))), toy)
    said = capsys.readouterr().err
    assert "note: d4 has not been trained; it will be missing from the comparison until you run" in said


def test_a_child_that_has_begun_does_not_need_its_parent_any_more(toy: Path) -> None:
    parent = toy_family.training(20)
    stages.run(load(toy_family.write(toy, toy_family.experiment(parent))), ("prepare", "train"))
    child = toy_family.child(parent, 20, 40)
    stages.run(load(toy_family.write(toy, child)), ("prepare", "train"))
    (toy / "runs" / "toy").rename(toy / "runs" / "elsewhere")
    module.preflight(child, toy)


def test_a_guard_that_nobody_can_measure_for_is_named(toy: Path, capsys: pytest.CaptureFixture[str],
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    lazy = Guard("lazy", "gpu_util < 50%", Action("warn"), (), {}, True)
    made = toy_family.experiment(toy_family.training(), guards=(lazy, NOT_FINITE))
    monkeypatch.setattr(module, "gpu_utilisation", lambda: None)
    module.preflight(made, toy)
    assert "note: guard lazy (gpu_util < 50%) never acts here" in (said := capsys.readouterr().err)
    assert "nvidia-ml-py" in said
    monkeypatch.setattr(module, "gpu_utilisation", lambda: 0.9)
    module.preflight(made, toy)
    assert "never acts" not in capsys.readouterr().err
