"""Data, updates, validation and evaluation of a tiny MeloFormer."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import save_file

from expc.compiler.contract.training import Batch
from expc.compiler.families import meloformer as compiled
from expc.runtime.errors import UserError
from expc.runtime.families import meloformer
from expc.runtime.families.meloformer import data
from expc.runtime.families.meloformer.task import MeloFormerTask
from expc.runtime.midi import files, synthetic
from tests.runtime.families.meloformer import tiny


def test_it_learns_and_measures_each_kind_of_token(tmp_path: Path) -> None:
    run = tiny.training(24)
    task = MeloFormerTask(run, tiny.prepared(run, tmp_path / "data"), tiny.CPU)
    before = task.validate(4)
    losses = tiny.train(task, 0, 24)
    after = task.validate(4)
    assert abs(losses[0] - math.log(511)) < 0.2 and after["valid_loss"] < before["valid_loss"] - 0.5
    assert set(after) <= {"valid_loss", *(one.name for one in compiled.METRICS)} and "nll_pitch" in after


def test_the_loss_is_the_mean_over_the_kinds(tmp_path: Path) -> None:
    run = tiny.training()
    task = MeloFormerTask(run, tiny.prepared(run, tmp_path / "data"), tiny.CPU)
    measured = task.validate(10_000)
    kinds = np.bincount(data.KIND_OF[np.asarray(task.held_out[1:])], minlength=len(data.NAMES))
    total = sum(kinds[place] * measured[f"nll_{name}"] for place, name in enumerate(data.NAMES) if f"nll_{name}" in measured)
    assert 0.97 <= total / (measured["valid_loss"] * kinds.sum()) < 1  # what is left are the marks of begin and end


def test_accumulation_is_the_same_update_as_more_rows(tmp_path: Path) -> None:
    folder = tiny.prepared(tiny.training(), tmp_path / "data")
    batches = Batch(4, 128, 1, 1), Batch(1, 128, 4, 1)
    tasks = [MeloFormerTask(tiny.training(batch=batch), folder, tiny.CPU) for batch in batches]
    losses = [tiny.train(task, 0, 3) for task in tasks]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_reads_a_folder_of_midi_and_leaves_out_what_is_none(tmp_path: Path) -> None:
    folder = tmp_path / "music" / "deep"
    folder.mkdir(parents=True)
    for index in range(5):
        files.write(synthetic.generate(4, index), folder / f"{index}.mid")
    (folder / "broken.MID").write_bytes(b"no MIDI")
    said = list[str]()
    config = tiny.training(pieces=tiny.data(source="folder", path="music", pieces=None)).config
    (tmp_path / "data").mkdir()
    about = data.prepare(config, tmp_path, tmp_path / "data", said.append)
    assert about["pieces"] == {"train": 4, "valid": 1}
    assert any("1 of 6 files are left out: deep/broken.MID: no readable MIDI" in line for line in said)
    before = data.source_sha256(config.data, tmp_path)
    files.write(synthetic.generate(4, 9), folder / "0.mid")
    assert data.source_sha256(config.data, tmp_path) != before


def test_an_epoch_of_another_length_than_stated_stops_preparation(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(UserError, match=r"not the 3 that the spec counts its epochs by; set data.rows: \d+"):
        data.prepare(tiny.training(pieces=tiny.data(rows=3)).config, tmp_path, tmp_path / "data", lambda text: None)


def test_an_empty_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    with pytest.raises(UserError, match="holds no .mid or .midi file"):
        data.prepare(tiny.training(pieces=tiny.data(source="folder", path="music", pieces=None)).config, tmp_path, tmp_path,
                     lambda text: None)


def test_evaluation_measures_the_model_the_untrained_one_and_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from expc.runtime.families.meloformer import evaluate

    # Through importlib the submodule's name is the function's, so that its module is looked up by the function itself.
    for name, value in (("SAMPLES", 2), ("MOST_TOKENS", 60)):
        monkeypatch.setitem(evaluate.__globals__, name, value)
    run = tiny.training(30, sequence_length=640, bars=16)
    folder = tiny.prepared(run, tmp_path / "data")
    task = MeloFormerTask(run, folder, tiny.CPU)
    tiny.train(task, 0, 12)
    (tmp_path / "made").mkdir()
    save_file(task.model.state_dict(), tmp_path / "meloformer.safetensors")
    found = meloformer.evaluate(run, folder, tmp_path, tiny.CPU, tmp_path / "made", lambda text: None)
    assert set(found.against) == {"untrained", "data"}
    assert found.against["data"]["grammar_validity"] == 1.0 and "long_range_loss" not in found.against["data"]
    assert found.measured["long_range_loss"] < found.against["untrained"]["long_range_loss"]
    assert found.against["data"]["pitch_class_distance"] == 0.0
    assert all((tmp_path / "made" / one.path).is_file() for one in found.exhibits)
    assert files.read(tmp_path / "made" / "held_out.mid").tracks


def test_samples_are_midi_files_that_their_seed_decides(tmp_path: Path) -> None:
    run = tiny.training(sequence_length=600)
    task = MeloFormerTask(run, tiny.prepared(run, tmp_path / "data"), tiny.CPU)
    tiny.train(task, 0, 6)
    save_file(task.model.state_dict(), tmp_path / "meloformer.safetensors")
    folders = [tmp_path / name for name in ("one", "two")]
    for folder, count in zip(folders, (1, 2), strict=True):
        folder.mkdir()
        meloformer.sample(run, tmp_path / "data", tmp_path, tiny.CPU, folder, count, 7, lambda text: None)
    assert [path.name for path in sorted(folders[1].iterdir())] == ["piece_001.mid", "piece_002.mid"]
    assert (folders[0] / "piece_001.mid").read_bytes() == (folders[1] / "piece_001.mid").read_bytes()


def test_dropout_changes_training_and_not_validation(tmp_path: Path) -> None:
    folder = tiny.prepared(tiny.training(), tmp_path / "data")
    dropped, plain = (MeloFormerTask(tiny.training(dropout=share), folder, tiny.CPU) for share in (0.5, 0.0))
    assert dropped.validate(2) == dropped.validate(2) == plain.validate(2)
    assert tiny.train(dropped, 0, 2) != tiny.train(plain, 0, 2)
