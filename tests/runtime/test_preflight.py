"""Preflight names everything that is missing, at once, each with what makes it."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from expc.compiler.contract.experiment import Experiment, KeepBest
from expc.compiler.contract.promises import Compared, Predictions
from expc.compiler.families import gpt as compiled
from expc.runtime import checkpoint, randomness, stages
from expc.runtime import preflight as module
from expc.runtime.errors import MISSING, UserError
from expc.runtime.families import gpt
from expc.runtime.snapshot import load
from tests.runtime import toy_family
from tests.runtime.families.gpt import tiny


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
    assert "4 checkpoints of 12.02 MB and the metrics need about 48.09 MB more, 2.00 MB are free" in said


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


def policy(experiment: Experiment, **changes: object) -> Experiment:
    """The same experiment with another retention."""
    return dataclasses.replace(experiment, checkpoint=dataclasses.replace(experiment.checkpoint, **changes))


def test_space_counts_what_is_kept_over_the_whole_run() -> None:
    made = toy_family.experiment(toy_family.training(1000))
    one = module.checkpoint_bytes(made)
    base = module.space(made)
    assert module.space(policy(made, keep_last=4)) - base == one
    assert module.space(policy(made, keep_every=100)) - base == 10 * one
    assert module.space(policy(made, keep_best=KeepBest("valid_loss", "lower", 2))) - base == 2 * one
    longer = dataclasses.replace(made, training=dataclasses.replace(made.training, steps=2000))
    assert base < module.space(longer) < base + one * 1000


def test_space_goes_by_the_optimizers_methods() -> None:
    made = dataclasses.replace(toy_family.experiment(toy_family.training()), predictions=Predictions({"all": 10**6}, {}, ()))
    assert module.checkpoint_bytes(made) - randomness.SIZE == 12 * 10**6
    sgd = dataclasses.replace(made.training, groups=made.training.groups[1:])
    assert module.checkpoint_bytes(dataclasses.replace(made, training=sgd)) - randomness.SIZE == 8 * 10**6
    counted = dataclasses.replace(made, predictions=Predictions({"all": 10**6}, {"weights": 7, "optimizer_state": 5}, ()))
    assert module.checkpoint_bytes(counted) - randomness.SIZE == 12


def test_the_size_of_a_checkpoint_is_what_one_really_takes(tmp_path: Path) -> None:
    training = tiny.training()
    model = dataclasses.replace(training.config.model, dim=64)
    training = dataclasses.replace(training, config=dataclasses.replace(training.config, model=model))
    task = gpt.build(training, tiny.prepared(training, tmp_path / "data"), tiny.CPU)
    task.step(0, 0)
    path = checkpoint.save(tmp_path, task, checkpoint.Position(1, 1, 1, 1.0), {}, [randomness.state()])
    real = sum(file.stat().st_size for file in path.iterdir())
    counted = compiled.memory(training.config, training.batch, "fp32", False)
    made = dataclasses.replace(toy_family.experiment(training), predictions=Predictions({}, counted, ()))
    assert real == pytest.approx(module.checkpoint_bytes(made), rel=0.05)


def test_what_is_there_already_is_not_asked_for_again(toy: Path) -> None:
    made = toy_family.experiment(toy_family.training(40))
    assert module._there(made, toy / "runs" / "toy") == 0
    stages.run(load(toy_family.write(toy, made)), ("prepare", "train"))
    folder = toy / "runs" / "toy"
    files = [folder / "metrics.jsonl", *(folder / "checkpoints").rglob("*")]
    assert module._there(made, folder) == sum(file.stat().st_size for file in files if file.is_file())
    foreign = dataclasses.replace(made, training=dataclasses.replace(made.training, seed=1))
    assert module._there(foreign, folder) == (folder / "metrics.jsonl").stat().st_size
