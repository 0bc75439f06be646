"""What trackers are told, read back from their files, is the journal: once, also after kills and roll-backs."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from expc.compiler.contract.snapshot import frozen, training_sha256
from expc.runtime import preflight
from expc.runtime.journal import Metrics, read_lines
from expc.runtime.trackers import feeding, figures, weights_and_biases
from expc.runtime.trackers.feeding import fed
from tests.runtime import processes, toy_family

Told = dict[str, list[tuple[int, float]]]
BLOCK, HEADER = 32 * 1024, 7


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing leaves this machine, whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("WANDB_MODE", "offline")


def event_files(folder: Path) -> Told:
    """What TensorBoard reads."""
    from tensorboard.backend.event_processing.event_accumulator import TENSORS, EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    read = EventAccumulator(str(folder / "tensorboard"), size_guidance={TENSORS: 0}).Reload()
    return {tag: [(event.step, float(make_ndarray(event.tensor_proto))) for event in read.Tensors(tag)]
            for tag in read.Tags()["tensors"]}


def offline_file(folder: Path) -> Told:
    """What `wandb sync` would send. All figures of a step are one row there."""
    from wandb.proto.wandb_internal_pb2 import Record

    [path] = folder.glob("wandb/offline-run-*/run-*.wandb")
    told: Told = {}
    for piece in records(path.read_bytes()):
        row = {".".join(item.nested_key) or item.key: json.loads(item.value_json) for item in
               Record.FromString(piece).history.item}
        for name in row.keys() - {"_step", "_timestamp", "_runtime"}:
            told.setdefault(name, []).append((int(row["_step"]), row[name]))
    return told


def records(data: bytes) -> Iterator[bytes]:
    """The records of a file of W&B, in the log format of LevelDB: blocks of chunks, each with checksum, length and kind."""
    place, whole = HEADER, b""
    while place + HEADER <= len(data):
        if BLOCK - place % BLOCK < HEADER:
            place += BLOCK - place % BLOCK
            continue
        length, kind = int.from_bytes(data[place + 4 : place + 6], "little"), data[place + 6]
        whole += data[place + HEADER : place + HEADER + length]
        place += HEADER + length
        if kind in (1, 4):  # whole, or the last part
            yield whole
            whole = b""


def journal(folder: Path) -> Told:
    told: Told = {}
    for line in read_lines(folder / "metrics.jsonl"):
        for name, value in figures(line).items():
            told.setdefault(name, []).append((line["step"], value))
    return told


READ_BACK = {"tensorboard": event_files, "wandb": offline_file}
tracker = pytest.mark.parametrize("name", READ_BACK)


@tracker
def test_a_run_that_was_killed_and_went_on_is_there_once(name: str, toy: Path) -> None:
    made = toy_family.with_model(toy_family.training(60), delay=0.03)
    experiment = toy_family.experiment(made, trackers=(name,))
    folder = toy / "runs" / "toy"
    process = processes.start(toy, experiment)
    process.wait_until(lambda: (folder / "checkpoints" / "step_000030").exists())
    time.sleep(0.1)
    process.signal(signal.SIGKILL)
    process.end()
    code, log = processes.run(toy, experiment)
    assert code == 0 and "warning" not in log
    assert READ_BACK[name](folder) == journal(folder)
    assert [step for step, _ in journal(folder)["train/loss"]] == list(range(1, 61))


@tracker
def test_it_follows_the_journal_and_forgets_what_is_taken_back(
        name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = Metrics(tmp_path / "metrics.jsonl", 0)
    with fed([name], tmp_path):
        for step in range(1, 8):
            metrics.write(step, "train", {"loss": step / 3, "lost": float("nan")})
        metrics.flush()
        until(lambda: told(name, tmp_path) == 7)
        metrics.rewind(4)
        for step in range(5, 7):
            metrics.write(step, "train", {"loss": step / 7})
        metrics.write(6, "valid", {"valid_loss": 1.5})
        metrics.close()
    assert READ_BACK[name](tmp_path) == journal(tmp_path)
    assert journal(tmp_path)["train/loss"][-1] == (6, 6 / 7) and "train/lost" not in journal(tmp_path)


def told(name: str, folder: Path) -> int:
    """How many losses a tracker has been told; W&B writes its file in large pieces, which is not waited for."""
    if name == "wandb":
        return 7 if list(folder.glob("wandb/offline-run-*/run-*.wandb")) else 0
    return len(event_files(folder).get("train/loss", [])) if list(folder.glob("tensorboard/*")) else 0


def until(true: object) -> None:
    ends = time.monotonic() + 60
    while not true():  # type: ignore[operator]
        assert time.monotonic() < ends
        time.sleep(0.1)


def test_a_folder_that_cannot_be_written_is_a_warning(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tensorboard").write_text("in the way")
    metrics = Metrics(tmp_path / "metrics.jsonl", 0)
    with fed(["tensorboard"], tmp_path):
        metrics.write(1, "train", {"loss": 1.0})
        metrics.close()
    said = capfd.readouterr().err
    assert said.count("warning: the tracker tensorboard is left alone from here on (") == 1 and "Traceback" not in said
    [noted] = read_lines(tmp_path / "events.jsonl")
    assert (noted["event"], noted["tracker"]) == ("tracker_failed", "tensorboard") and noted["why"] in said


@pytest.mark.parametrize(("program", "why"), [
    ("import os; os._exit(3)", "its process ended with exit code 3"),
    ("import time; time.sleep(600)", "it had not taken everything 0.5 s after the training"),
])
def test_a_tracker_that_crashes_or_hangs_stops_nothing(
        program: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = tmp_path / "python"
    stand_in.write_text(f"#!{sys.executable}\n{program}\n")
    stand_in.chmod(0o755)
    monkeypatch.setattr(feeding.sys, "executable", str(stand_in))
    monkeypatch.setattr(feeding, "PATIENCE", 0.5)
    begun = time.monotonic()
    with fed(["tensorboard"], tmp_path):
        entered = time.monotonic()
    assert entered - begun < 5
    assert [line["why"] for line in read_lines(tmp_path / "events.jsonl")] == [why]


def test_one_that_cannot_be_started_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding.sys, "executable", str(tmp_path / "nothing"))
    with fed(["wandb"], tmp_path):
        pass
    assert "No such file" in [line["why"] for line in read_lines(tmp_path / "events.jsonl")][0]


def test_one_that_is_not_installed_says_how_to_install_it(
        toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    code = ("import sys; sys.modules['wandb'] = None; sys.argv[1:] = sys.argv[4:];"
            "from expc.runtime.trackers.feed import main; main()")
    hidden = tmp_path / "python"
    hidden.write_text(f"#!/usr/bin/env bash\nexec {sys.executable} -c \"{code}\" x \"$@\"\n")
    hidden.chmod(0o755)
    monkeypatch.setattr(feeding.sys, "executable", str(hidden))
    Metrics(tmp_path / "metrics.jsonl", 0).close()
    with fed(["wandb"], tmp_path):
        pass
    assert "install it with: pip install 'expc[wandb]'" in capfd.readouterr().err
    monkeypatch.setattr(preflight, "installed", lambda name: name != "wandb")
    preflight.preflight(toy_family.experiment(toy_family.training(), trackers=("tensorboard", "wandb")), toy)
    said = capfd.readouterr().err
    assert "note: the tracker wandb is not installed and will be shown nothing; pip install 'expc[wandb]'" in said
    assert "tracker tensorboard" not in said


def test_a_feeder_ends_with_the_process_that_trains(tmp_path: Path) -> None:
    Metrics(tmp_path / "metrics.jsonl", 0).close()
    reading, writing = os.pipe()  # stays open here, as a worker that was forked would leave it
    command = [sys.executable, "-m", "expc.runtime.trackers", "tensorboard", str(tmp_path), "1"]
    with subprocess.Popen(command, stdin=reading) as feeder:
        assert feeder.wait(60) == 0
    os.close(reading)
    os.close(writing)


def test_without_a_key_nothing_leaves_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_MODE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert weights_and_biases.mode() == "offline"
    (tmp_path / ".netrc").write_text("machine api.wandb.ai login user password key\n")
    (tmp_path / ".netrc").chmod(0o600)
    assert weights_and_biases.mode() == "online"
    monkeypatch.setenv("WANDB_BASE_URL", "https://wandb.example.org")
    assert weights_and_biases.mode() == "offline"
    monkeypatch.setenv("WANDB_API_KEY", "key")
    assert weights_and_biases.mode() == "online"
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert weights_and_biases.mode() == "disabled"


class Server:
    """Stands in for `wandb`: the runs that were opened, with what each was told, and where it says that it had come to."""

    def __init__(self) -> None:
        self.opened: list[dict[str, Any]] = []
        self.came_to = 0

    class Settings:
        def __init__(self, **settings: Any) -> None:
            self.settings = settings

    def init(self, **settings: Any) -> Any:
        self.opened.append(settings | {"steps": [], "ended": None})
        run = self.opened[-1]
        return SimpleNamespace(starting_step=self.came_to, log=lambda row, step: run["steps"].append(step),
                               finish=lambda exit_code: run.update(ended=exit_code))


def test_a_server_is_told_what_it_does_not_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A resumed run is the same one there; what follows a roll-back is another, in the same group."""
    server, folder = Server(), tmp_path / "toy"
    monkeypatch.setitem(sys.modules, "wandb", server)
    monkeypatch.setenv("WANDB_MODE", "online")
    for came_to, again in ((0, False), (3, False), (0, True)):
        server.came_to = came_to
        tracker = weights_and_biases.WeightsAndBiases(folder, again)
        for step in range(1, 6):
            tracker.take({"step": step, "kind": "train", "loss": 1.0})
        tracker.close()
    first, resumed, back = server.opened
    assert (first["steps"], resumed["steps"], back["steps"]) == ([1, 2, 3, 4, 5], [3, 4, 5], [1, 2, 3, 4, 5])
    assert first["id"] == resumed["id"] != back["id"] and {one["group"] for one in server.opened} == {"toy"}
    assert all(one["mode"] == "online" and one["resume"] == "allow" and one["ended"] == 1 for one in server.opened)
    assert all(one["settings"].settings["disable_git"] and not one["settings"].settings["save_code"] for one in server.opened)


def test_a_run_keeps_its_name_at_wandb(tmp_path: Path) -> None:
    first = weights_and_biases.identity(tmp_path / "wandb", anew=False)
    assert weights_and_biases.identity(tmp_path / "wandb", anew=False) == first
    assert weights_and_biases.identity(tmp_path / "wandb", anew=True) != first


def test_trackers_do_not_change_what_is_trained() -> None:
    made = toy_family.experiment(toy_family.training(20))
    shown = dataclasses.replace(made, trackers=("tensorboard",))
    assert training_sha256(shown.training) == training_sha256(made.training)
    assert frozen(shown) != frozen(made)
