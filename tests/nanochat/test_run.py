"""nanochat specs against the stand-in, through the runtime's own command line: trained, resumed with other rates, reported."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch

from expc.runtime.errors import DONE, INTERRUPTED, MISSING
from tests.nanochat.workspaces import first, second
from tests.runtime.supervise.programs import Made


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A parent that has been trained; each test resumes it under another name."""
    made = first(tmp_path_factory.mktemp("workspace"))
    return finished(made, "preflight", "prepare", "train", "report")


def state(folder: Path, step: int) -> dict[str, Any]:
    return torch.load(folder / f"optim_{step:06d}_rank0.pt", weights_only=True)


def tag(made: Made) -> Path:
    return made.folder / "nanochat" / "base_checkpoints" / made.experiment.name


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def rates(folder: Path, step: int) -> list[float]:
    return [group["initial_lr"] for group in state(folder, step)["param_groups"]]


def bpb(made: Made) -> dict[int, float]:
    return {line["step"]: line["valid_bpb"] for line in made.lines if line["kind"] == "valid"}


def report(made: Made) -> str:
    return next(made.folder.glob("EXPERIMENT_*_RESULTS.md")).read_text(encoding="utf-8")


def finished(made: Made, *stages: str) -> Made:
    code, log = made.run(*(stages or ("prepare", "train", "report")))
    assert code == DONE, log
    return made


def test_a_run_from_scratch_is_watched_and_read_back(parent: Made) -> None:
    assert parent.steps() == list(range(1, 21)) and list(bpb(parent)) == [0, 10, 20]
    assert sorted(path.name for path in parent.folder.glob("checkpoints/*")) == ["step_000010", "step_000020"]
    assert "peak_memory" not in {name for line in parent.lines for name in line}  # which it says is 0 on a CPU
    assert parent.record["data"]["parquet_files"] == 5 and parent.record["data"]["vocabulary"] == 300
    assert report(parent).count("**in force**") == 7 and "After resuming" not in report(parent)


def test_the_rates_that_are_asked_for_are_in_force_after_resuming(parent: Made) -> None:
    made, before = second(parent), hashes(tag(parent))
    finished(made, "preflight", "prepare", "train", "report")
    assert hashes(tag(parent)) == before
    asked = [group.rate for group in made.experiment.training.groups]
    assert rates(tag(made), 40) == [*asked, asked[-1]] != rates(tag(parent), 20)
    assert report(made).count("**in force**") == len(asked) and "another one was in force" not in report(made)
    assert "They agree: the same weights went on over the same held-out data." in report(made)
    assert bpb(made)[20] == bpb(parent)[20] > bpb(made)[30] > bpb(made)[40]
    assert made.steps() == list(range(21, 41))


def test_without_a_copy_the_old_rates_would_have_been_in_force(parent: Made) -> None:
    """The trap itself: the stand-in, told another rate by hand, goes on with those of its state."""
    told = [*parent.record["attempts"][0]["program"]["words"], "--resume-from-step=20", "--matrix-lr=9", "--num-iterations=21"]
    environment = os.environ | {"NANOCHAT_BASE_DIR": str(parent.folder / "nanochat")}
    subprocess.run(told, cwd=parent.workspace / "nanochat", env=environment, check=True, timeout=120)
    assert rates(tag(parent), 21) == rates(tag(parent), 20)
    for path in tag(parent).glob("*_000021*"):
        path.unlink()


def test_an_interrupted_run_goes_on_from_its_own_checkpoint(parent: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    made = second(parent, name="interrupted", steps=100)
    with monkeypatch.context() as patch:
        patch.setenv("STANDIN_DELAY", "0.2")
        process = made.start("prepare", "train")
        process.wait_until(lambda: made.printed("step 00032/"))
        process.signal(signal.SIGTERM)
        code, log = process.end()
    assert code == INTERRUPTED, log
    code, log = made.run("train", "report")
    assert code == DONE and "going on from model_000030" in log and "copied the parent's" not in log
    assert "They agree" in report(made) and report(made).count("**in force**") == 7
    assert made.steps() == list(range(21, 101)) and made.steps("valid") == list(range(20, 101, 10))
    assert made.record["last_validation"] == {"step": 100, "valid_bpb": bpb(made)[100]}
    assert "final validation: Held-out bits per byte" in report(made)


def test_a_checkpoint_is_its_three_files(parent: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    made = second(parent, name="torn", steps=60)
    with monkeypatch.context() as patch:
        patch.setenv("STANDIN_DELAY", "0.1")
        process = made.start("prepare", "train")
        process.wait_until(lambda: made.printed("step 00043/"))
        process.signal(signal.SIGTERM)
        assert process.end()[0] == INTERRUPTED
    (tag(made) / "optim_000040_rank0.pt").unlink()
    (tag(made) / "meta_000030.json").write_text("")
    code, log = made.run("train")
    assert code == DONE, log
    assert "passing over model_000040.pt: optim_000040_rank0.pt is missing" in log
    assert "passing over model_000030.pt: meta_000030.json is empty" in log and "going on from model_000020.pt" in log
    assert made.steps() == list(range(21, 61))


def test_a_start_that_fails_before_the_copy_makes_it_later(parent: Made) -> None:
    made, meta = second(parent, name="later"), tag(parent) / "meta_000020.json"
    text = meta.read_text()
    try:
        meta.write_text(text.replace('"n_layer": 2', '"n_layer": 3'))
        code, log = made.run("prepare", "train")
        assert code == MISSING and "n_layer is 3 there, 2 here" in log
        assert not tag(made).exists() and made.record["outcome"] == "missing"
    finally:
        meta.write_text(text)
    finished(made, "train")


def test_a_parent_that_was_not_trained_here(parent: Made) -> None:
    made = second(parent, name="adopted", command={"parent": "theirs/d8"})
    code, log = made.run("preflight")
    assert code == MISSING and "theirs/d8/model_000020.pt does not exist" in log
    (parent.workspace / "theirs" / "d8").mkdir(parents=True)
    for path in tag(parent).glob("*_000020*"):
        (parent.workspace / "theirs" / "d8" / path.name).write_bytes(path.read_bytes())
    finished(made, "preflight", "prepare", "train", "report")
    assert "They agree" in report(made) and "theirs/d8" in made.record["attempts"][0]["forked"]["from"]


def test_another_amount_of_validation_is_not_compared(parent: Made) -> None:
    made = second(parent, name="other", eval={"validation": {"batches": 2}})
    assert {one.code for one in made.experiment.warnings} == {"W476"}
    finished(made)
    assert "cannot be compared with the parent's" in report(made) and "They agree" not in report(made)


def test_documents_say_what_nanochat_does_and_what_is_done_about_it(parent: Made) -> None:
    second(parent)
    path = parent.workspace / "generated" / "second" / "EXPERIMENT_SECOND_DESIGN.md"
    design = path.read_text(encoding="utf-8")
    assert "is first copied to `runs/second/nanochat/base_checkpoints/second`" in design
    assert "silently ignores the rates on its command line" in design
    assert "It saves after it has validated the same step" in design
    assert "none of them is predicted" not in design
