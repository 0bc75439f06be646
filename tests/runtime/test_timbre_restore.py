"""A tiny timbre_restore through the whole runtime: killed and gone on with, in two processes, judged, sampled, reported."""

from __future__ import annotations

import dataclasses
import signal
import wave
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.phases import Batch
from expc.compiler.contract.promises import Evaluation
from expc.compiler.families.timbre_restore import EVALUATED
from expc.runtime import report, room
from expc.runtime.errors import DONE, INTERRUPTED
from expc.runtime.families import timbre_restore as family
from expc.runtime.files import read_json
from expc.runtime.journal import read_lines
from expc.runtime.prepare import prepare
from tests.runtime import processes
from tests.runtime.equality import differences
from tests.runtime.families.timbre_restore.small import CPU, experiment, prepared, train, training
from tests.runtime.test_distributed import torchrun, until
from tests.runtime.toy_family import write

STEPS = 16


@pytest.fixture(autouse=True)
def one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPC_PREPARE_PROCESSES", "1")


def tiny(run: str, batch: Batch | None = None) -> Experiment:
    judged = Evaluation((), (), "results.json", EVALUATED)
    made = dataclasses.replace(experiment(run, training(batch, STEPS)), evaluation=judged)
    return dataclasses.replace(made, checkpoint=dataclasses.replace(made.checkpoint, every=4))


def saved(toy: Path, run: str, step: int) -> Callable[[], bool]:
    return (toy / "runs" / run / "checkpoints" / f"step_{step:06d}").is_dir


def test_both_models_go_on_as_if_nothing_had_happened(toy: Path) -> None:
    """Killed before the discriminators join in, and stopped after that."""
    code, log = processes.run(toy, tiny("whole"))
    assert code == DONE, log
    for name, step in (("SIGKILL", 4), ("SIGTERM", 8)):
        process = processes.start(toy, tiny("broken"))
        process.wait_until(saved(toy, "broken", step))
        process.signal(getattr(signal, name))
        assert process.end()[0] in (INTERRUPTED, -signal.SIGKILL)
    code, log = processes.run(toy, tiny("broken"))
    assert code == DONE and "going on from step_0000" in log, log
    found = differences(toy / "runs" / "whole", toy / "runs" / "broken", STEPS)
    assert [one for one in found if not one.startswith(("state: run", "state: snapshot_sha256"))] == []


def test_two_processes_train_one_model(toy: Path) -> None:
    """The same samples an update as one process has: the same losses but for rounding; and they end without an error."""
    alone = [one["loss"] for one in train(family.build(tiny("pair").training, prepared(training(), toy / "data"), CPU), 0, 8)]
    write(toy, tiny("pair", Batch(1, 2048, 1, 2)))
    process = torchrun(toy, "pair")
    until(saved(toy, "pair", STEPS))
    log = process.communicate(timeout=120)[1]
    assert process.returncode == 0, log
    pair = [line["loss"] for line in read_lines(toy / "runs" / "pair" / "metrics.jsonl") if line["kind"] == "train"]
    assert len(pair) == STEPS
    assert pair[:8] == pytest.approx(alone, rel=1e-3)


def test_it_is_judged_against_its_input_and_the_report_shows_it(toy: Path) -> None:
    code, log = processes.run(toy, tiny("judged"), "prepare", "train", "evaluate", "report")
    assert code == DONE, log
    found = read_json(toy / "runs" / "judged" / "evaluation" / f"step_{STEPS:06d}.json")["findings"]
    names = {metric.name for metric in EVALUATED}
    assert found["measured"].keys() == names and found["against"].keys() == {"input", "untrained"}
    assert all(figures.keys() == names for figures in found["against"].values())
    folder = toy / "runs" / "judged" / "evaluation" / f"step_{STEPS:06d}"
    assert {path.name for path in folder.iterdir()} == {one["path"] for one in found["exhibits"]}
    with wave.open(str(folder / "1_restored.wav")) as recording:
        assert (recording.getframerate(), recording.getnframes(), recording.getnchannels()) == (8000, 2048, 1)
    text = next((toy / "runs" / "judged").glob("EXPERIMENT_*_RESULTS.md")).read_text(encoding="utf-8")
    assert "spectrograms.png" in text and "1_degraded.wav" in text and "SI-SDR" in text
    published = report.publish(tiny("judged"), toy, sorted((toy / "runs" / "judged").glob("EXPERIMENT_*_RESULTS*.md")))
    assert {"spectrograms.png", "3_clean.wav"} <= {path.name for path in published}
    a_sample_depends_on_seed_and_number_alone(toy)


def a_sample_depends_on_seed_and_number_alone(toy: Path) -> None:
    """Part of the test above, whose run it uses."""
    (data,) = (path for path in (toy / "runs" / ".data").iterdir() if (path / "about.json").is_file())
    checkpoint, written = toy / "runs" / "judged" / "checkpoints" / f"step_{STEPS:06d}", []
    for name, count, seed in (("three", 3, 7), ("one", 1, 7), ("other", 3, 8)):
        (toy / name).mkdir()
        torch.manual_seed(len(written))
        paths = family.sample(tiny("judged").training, data, checkpoint, CPU, toy / name, count, seed, lambda text: None)
        written.append([path.read_bytes() for path in paths])
    assert [len(one) for one in written] == [3, 1, 3]
    assert written[0][:1] == written[1] and written[0] != written[2]


def test_the_disk_is_asked_for_the_data_that_are_still_to_be_made(toy: Path) -> None:
    made = tiny("room")
    counted = [share.bytes for share in room.shares(made, toy) if "prepared data" in share.what]
    folder, _ = prepare(made, toy)
    written = sum(path.stat().st_size for path in folder.glob("shard_*.npy"))
    assert counted == [family.prepared_bytes(made.training)] and 0 <= written - counted[0] < 1024
    assert not [share for share in room.shares(made, toy) if "prepared data" in share.what]
