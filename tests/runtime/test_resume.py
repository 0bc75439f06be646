"""Going on from a parent: the right checkpoint, nothing silently different, and rates that are the snapshot's own."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from expc.compiler.contract.experiment import Change, Experiment
from expc.compiler.contract.snapshot import training_sha256
from expc.runtime import loop as loop_module
from expc.runtime import snapshot, stages
from expc.runtime.checkpoint import Found, inspect, newest
from expc.runtime.errors import MISSING, MISUSED, UserError
from expc.runtime.files import MANIFEST, read_json, seal, write_json
from expc.runtime.journal import read_lines
from expc.runtime.snapshot import load
from tests.runtime import toy_family

STEPS, PARENT_STEPS = 40, 20


def run(workspace: Path, experiment: Experiment, *chosen: str) -> None:
    """Prepares and trains in this process (or runs the stages named)."""
    stages.run(load(toy_family.write(workspace, experiment)), chosen or ("prepare", "train"))


def parent(**changes: Any) -> Any:
    """The parent's training: half of the child's way, under the child's curve unless that is changed."""
    return dataclasses.replace(toy_family.training(STEPS), steps=PARENT_STEPS, **changes)


def final(workspace: Path, run: str, step: int = STEPS) -> Found:
    """The checkpoint of a step."""
    found = inspect(workspace / "runs" / run / "checkpoints" / f"step_{step:06d}")
    assert isinstance(found, Found)
    return found


def tensors(found: Found) -> list[torch.Tensor]:
    """All optimizer state of a checkpoint, in order."""
    states = torch.load(found.folder / "optimizers.pt", weights_only=True)
    return [value for one in states.values() for moments in one["state"].values() for value in moments.values()
            if isinstance(value, torch.Tensor)]


def rates(workspace: Path, run: str) -> dict[int, float]:
    """The generator's rate after each step, as the metrics say."""
    lines = read_lines(workspace / "runs" / run / "metrics.jsonl")
    return {line["step"]: line["rate.generator"] for line in lines if line["kind"] == "train"}


def test_a_child_with_the_same_settings_equals_one_long_run(toy: Path) -> None:
    run(toy, toy_family.experiment(parent()))
    run(toy, toy_family.child(parent(), PARENT_STEPS, STEPS))
    run(toy, toy_family.experiment(toy_family.training(STEPS), "whole"))
    one, two = final(toy, "child"), final(toy, "whole")
    assert one.position.samples == two.position.samples == STEPS * 4
    for name in ("generator.safetensors", "critic.safetensors"):
        assert (one.folder / name).read_bytes() == (two.folder / name).read_bytes()
    assert all(map(torch.equal, tensors(one), tensors(two)))
    lines = [[line for line in read_lines(toy / "runs" / name / "metrics.jsonl")
              if line["kind"] == "train" and line["step"] > PARENT_STEPS] for name in ("child", "whole")]
    assert lines[0] == lines[1] and len(lines[0]) == STEPS - PARENT_STEPS


def test_the_loaded_optimizer_does_not_overwrite_the_new_rates(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[int, tuple[float, float, float]] = {}
    apply = loop_module.phases.apply

    def watched(optimizers: Any, training: Any, update: int, factor: float) -> Any:
        applied = apply(optimizers, training, update, factor)
        groups = {group["name"]: group for optimizer in optimizers for group in optimizer.param_groups}
        seen[update] = (groups["generator"]["lr"], groups["generator"]["weight_decay"], groups["critic"]["momentum"])
        return applied

    run(toy, toy_family.experiment(parent()))
    generator, critic = parent().groups
    own = (dataclasses.replace(generator, rate=0.002, weight_decay=0.03),
           dataclasses.replace(critic, options={"momentum": 0.5}))
    child = toy_family.child(parent(), PARENT_STEPS, STEPS, groups=own)
    monkeypatch.setattr(loop_module.phases, "apply", watched)
    run(toy, child)
    curve = child.training.curves["rate"]
    assert seen == {n: (0.002 * curve.at(n), 0.03, 0.5) for n in range(PARENT_STEPS, STEPS)}
    assert rates(toy, "child")[PARENT_STEPS + 1] == 0.002 * curve.at(PARENT_STEPS)
    states = torch.load(final(toy, "child").folder / "optimizers.pt", weights_only=True)
    assert states["critic"]["param_groups"][0]["momentum"] == 0.5


def test_keep_and_reset_differ_in_the_moments_alone(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(toy, toy_family.experiment(parent()))
    run(toy, toy_family.child(parent(), PARENT_STEPS, PARENT_STEPS + 1, "reset"))
    assert "the optimizer's state is begun anew" in capsys.readouterr().err
    steps = torch.load(final(toy, "child", PARENT_STEPS + 1).folder / "optimizers.pt", weights_only=True)
    assert steps["generator"]["state"] == {}  # the generator moves at odd updates, and one even update was made
    shutil.rmtree(toy / "runs" / "child")
    run(toy, toy_family.child(parent(), PARENT_STEPS, PARENT_STEPS + 1, "keep"))
    steps = torch.load(final(toy, "child", PARENT_STEPS + 1).folder / "optimizers.pt", weights_only=True)
    assert float(steps["generator"]["state"][0]["step"]) == PARENT_STEPS / 2


def test_the_boundary_and_every_change_are_printed(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(toy, toy_family.experiment(parent()))
    child = toy_family.child(parent(), PARENT_STEPS, STEPS)
    child = dataclasses.replace(child, changes=(Change("optimizer.rate", "0.01", None),))
    run(toy, child)
    printed = capsys.readouterr().err
    assert "from toy at step 20, the optimizer's state is taken over; at the boundary:" in printed
    assert "  spec: optimizer.rate: 0.01 -> –" in printed
    assert [line for line in printed.splitlines() if line.startswith("  rate ")]


def test_the_parents_model_is_validated_at_the_boundary(toy: Path) -> None:
    run(toy, toy_family.experiment(parent()))
    run(toy, toy_family.child(parent(), PARENT_STEPS, STEPS))
    at = [{line["step"]: line["valid_loss"] for line in read_lines(toy / "runs" / name / "metrics.jsonl")
           if line["kind"] == "valid"} for name in ("toy", "child")]
    assert at[0][PARENT_STEPS] == at[1][PARENT_STEPS]


def test_own_checkpoints_come_before_the_parents(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(toy, toy_family.experiment(parent()))
    child = toy_family.child(parent(), PARENT_STEPS, STEPS)
    run(toy, child)
    shutil.rmtree(final(toy, "child").folder)
    shutil.rmtree(toy / "runs" / "toy")
    run(toy, child)
    assert "going on from step_000030: step 30 to 40" in capsys.readouterr().err


def refused(workspace: Path, child: Experiment) -> UserError:
    """The error that stops a child."""
    with pytest.raises(UserError) as error:
        run(workspace, child)
    return error.value


def test_a_missing_parent_is_named_with_its_command(toy: Path) -> None:
    toy_family.write(toy, toy_family.experiment(parent()))
    error = refused(toy, toy_family.child(parent(), PARENT_STEPS, STEPS))
    assert error.exit_code == MISSING
    assert "runs/toy/checkpoints/step_000020 is missing; make it with: bash generated/train_toy.sh" in str(error)


def test_a_damaged_parent_is_named(toy: Path) -> None:
    run(toy, toy_family.experiment(parent()))
    (final(toy, "toy", PARENT_STEPS).folder / "random.pt").write_bytes(b"")
    error = refused(toy, toy_family.child(parent(), PARENT_STEPS, STEPS))
    assert "step_000020 cannot be used: random.pt is cut short" in str(error)
    assert "toy has come to step 20 already" not in str(error)  # the one before it is what the launcher goes on from


def test_a_parent_that_has_come_further_is_taken_back(toy: Path) -> None:
    """Its launcher alone would say that it is trained already; what the message says makes the very same checkpoint."""
    longer = toy_family.training(STEPS)
    run(toy, toy_family.experiment(longer))
    folder = toy / "runs" / "toy" / "checkpoints"
    before = (folder / "step_000030" / "generator.safetensors").read_bytes()
    child = toy_family.child(longer, 30, STEPS + 10)
    shutil.rmtree(folder / "step_000030")
    error = refused(toy, child)
    assert ("step_000030 is missing; toy has come to step 40 already: move its checkpoints of step 30 and later out of "
            "runs/toy, then make it with: ") in str(error)
    (folder / "step_000040").rename(toy / "step_000040")
    run(toy, toy_family.experiment(longer))
    assert (folder / "step_000030" / "generator.safetensors").read_bytes() == before
    run(toy, child)


def test_a_parent_that_was_trained_otherwise_is_refused(toy: Path) -> None:
    run(toy, toy_family.experiment(parent(seed=12)))
    error = refused(toy, toy_family.child(parent(), PARENT_STEPS, STEPS))
    assert error.exit_code == MISSING and "comes from another training of toy" in str(error)


def test_another_architecture_is_refused_key_by_key(toy: Path) -> None:
    run(toy, toy_family.experiment(parent()))
    wider = toy_family.with_model(parent(), width=16)
    child = toy_family.child(parent(), PARENT_STEPS, STEPS, config=wider.config)
    error = refused(toy, child)
    assert error.exit_code == MISUSED
    assert "toy has another architecture, its weights do not fit (model.width: 8 there, 16 here)" in str(error)


def restate(found: Found, **changes: Any) -> None:
    """A checkpoint that says something else of itself, and is whole."""
    write_json(found.folder / "state.json", found.state | changes)
    (found.folder / MANIFEST).unlink()
    seal(found.folder)


@pytest.mark.parametrize(("key", "what"), [("sha256", "data"), ("tokenizer_sha256", "tokenizer")])
def test_other_data_and_another_tokenizer_are_refused(toy: Path, key: str, what: str) -> None:
    run(toy, toy_family.experiment(parent()))
    found = final(toy, "toy", PARENT_STEPS)
    restate(found, data=found.state["data"] | {key: "9" * 64})
    error = refused(toy, toy_family.child(parent(), 20, 40))
    assert error.exit_code == MISUSED and f"the {what} of toy was another one at step 20 (999999999999" in str(error)


def test_a_run_does_not_go_on_with_data_that_have_changed_under_it(toy: Path) -> None:
    made = toy_family.experiment(toy_family.training(STEPS))
    run(toy, made)
    shutil.rmtree(final(toy, "toy").folder)
    found = final(toy, "toy", 30)
    restate(found, data=found.state["data"] | {"sha256": "9" * 64})
    assert "the data of toy was another one at step 30" in str(refused(toy, made))


@pytest.mark.parametrize(("key", "before", "said"), [
    ("torch", "1.0", "PyTorch was 1.0, is"), ("expc", "0.0.0", "expc was 0.0.0, is"),
    ("commit", "abc", "commit was abc, is none"),
    ("dirty", True, "it was trained with changes that were not committed")])
def test_other_code_is_said_and_not_refused(toy: Path, capsys: pytest.CaptureFixture[str], key: str, before: object,
                                            said: str) -> None:
    run(toy, toy_family.experiment(parent()))
    found = final(toy, "toy", PARENT_STEPS)
    assert found.state["made_with"]["torch"] == torch.__version__ and found.state["made_with"]["commit"] is None
    restate(found, made_with=found.state["made_with"] | {key: before})
    run(toy, toy_family.child(parent(), PARENT_STEPS, PARENT_STEPS + 1))
    assert [line for line in capsys.readouterr().err.splitlines() if line.startswith("not as in toy: ")][0].count(said) == 1


def test_another_precision_is_said(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(toy, toy_family.experiment(parent()))
    run(toy, toy_family.child(parent(), PARENT_STEPS, STEPS, precision="bf16"))
    assert "not as in toy: precision was fp32, is bf16" in capsys.readouterr().err


def test_a_folder_of_another_training_is_left_alone(toy: Path) -> None:
    run(toy, toy_family.experiment(parent()))
    before = (toy / "runs" / "toy" / "metrics.jsonl").read_text()
    error = refused(toy, toy_family.experiment(parent(seed=12)))
    assert error.exit_code == MISUSED and "mv runs/toy runs/toy.old" in str(error)
    assert (toy / "runs" / "toy" / "metrics.jsonl").read_text() == before
    assert newest(toy / "runs" / "toy" / "checkpoints", training_sha256(parent()))[0] is not None


def test_a_new_title_is_no_other_training(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(toy, toy_family.experiment(parent()))
    run(toy, toy_family.experiment(parent(), title={"any": "a better title"}))
    assert "trained already: step 20 of 20" in capsys.readouterr().err
    copy = snapshot.load(toy / "runs" / "toy")
    assert copy.experiment.title == {"any": "a better title"}


def test_a_lost_validation_is_made_up_for(toy: Path) -> None:
    made = toy_family.experiment(parent())
    run(toy, made)
    path = toy / "runs" / "toy" / "metrics.jsonl"
    whole = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in whole if '"valid"' not in line or json.loads(line)["step"] < 20))
    run(toy, made)
    assert path.read_text().splitlines(keepends=True) == whole


def test_a_kill_between_the_last_checkpoint_and_the_end_shows_in_no_figure(toy: Path) -> None:
    made = toy_family.experiment(toy_family.training(STEPS))
    run(toy, made)
    path = toy / "runs" / "toy" / "record.json"
    whole = read_json(path)
    attempt = {key: value for key, value in whole["attempts"][0].items() if key not in ("ended", "outcome", "to_step")}
    write_json(path, whole | {"outcome": "running", "attempts": [attempt], "samples": 1, "tokens": 2, "train_seconds": 3.0,
                              "tokens_per_second": 4.0, "last_validation": {"step": 35, "valid_loss": 9.0}})
    run(toy, made)
    again = read_json(path)
    for key in ("outcome", "step", "samples", "tokens", "last_validation"):
        assert again[key] == whole[key], key
    state = final(toy, "toy").state
    assert again["train_seconds"] == round(state["position"]["seconds"], 3)
    assert again["attempts"] == [attempt | {"outcome": "killed"}]
