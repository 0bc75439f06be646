"""Data: what is held out is never learnt from, and the sampler serves every row once an epoch, by counting alone."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from expc.compiler.contract.families.gpt import Data
from expc.runtime import sampling
from expc.runtime.errors import UserError
from expc.runtime.families import gpt
from expc.runtime.families.gpt import data
from tests.runtime.families.gpt.tiny import prepared, training

LENGTHS = st.integers(1, 40)


def rows_fitting(length: int) -> st.SearchStrategy[int]:
    return st.integers(2 * length + 2, 60 * length + 60)


@given(st.data(), LENGTHS, st.integers(0, 2**32 - 1), st.integers(0, 5))
def test_every_row_comes_once_an_epoch(draw: st.DataObject, length: int, seed: int, epoch: int) -> None:
    tokens = draw.draw(rows_fitting(length))
    sampler = sampling.Sampler(tokens, length, seed)
    starts = np.sort(sampler.starts(epoch * sampler.rows, sampler.rows))
    assert sampler.rows == (tokens - 1 - length) // length
    assert (np.diff(starts) == length).all()
    assert starts[0] < length and starts[-1] + length + 1 <= tokens


@given(st.data(), LENGTHS, st.integers(0, 99), st.lists(st.integers(1, 9), min_size=1, max_size=30))
def test_batches_of_any_sizes_serve_the_same_samples(draw: st.DataObject, length: int, seed: int,
                                                     sizes: list[int]) -> None:
    tokens = draw.draw(rows_fitting(length))
    one, other = sampling.Sampler(tokens, length, seed), sampling.Sampler(tokens, length, seed)
    ends = np.cumsum(sizes)
    parts = [one.starts(int(end) - size, size) for end, size in zip(ends, sizes, strict=True)]
    assert np.concatenate(parts).tolist() == other.starts(0, int(ends[-1])).tolist()


def test_epochs_and_seeds_differ() -> None:
    sampler = sampling.Sampler(5000, 10, 1)
    first, second = sampler.starts(0, sampler.rows), sampler.starts(sampler.rows, sampler.rows)
    assert first.tolist() != second.tolist()
    assert first.tolist() != sampling.Sampler(5000, 10, 2).starts(0, sampler.rows).tolist()


def test_the_order_is_the_same_for_ever() -> None:
    """Runs of other machines and versions resume by it."""
    assert sampling.Sampler(100, 8, 42).starts(0, 12).tolist() == ORDER


ORDER = [39, 71, 87, 15, 79, 31, 55, 7, 63, 23, 47, 87]


@given(st.integers(2, 400), LENGTHS)
def test_held_out_rows_predict_each_token_once(tokens: int, length: int) -> None:
    ids = np.arange(tokens, dtype=np.uint16)
    rows = data.Tokens(ids, ids).rows(sampling.held_out_starts(tokens, length, None), length)
    targets = rows[:, 1:]
    assert targets[targets != data.NOTHING].tolist() == list(range(1, tokens))
    assert (rows[:, 0] != data.NOTHING).all()


@given(st.integers(2, 400), LENGTHS, st.integers(1, 20))
def test_some_held_out_rows_are_spread_over_all(tokens: int, length: int, most: int) -> None:
    every, some = sampling.held_out_starts(tokens, length, None), sampling.held_out_starts(tokens, length, most)
    assert len(some) == min(most, len(every)) == len(set(some.tolist()))
    assert set(some.tolist()) <= set(every.tolist())


def test_preparing_twice_gives_the_same_files(tmp_path: Path) -> None:
    one, other = prepared(training(), tmp_path / "one"), prepared(training(), tmp_path / "other")
    names = sorted(path.name for path in one.iterdir())
    assert names == ["about.json", "tokenizer.json", "train.bin", "tunes.bin", "valid.bin"]
    assert all((one / name).read_bytes() == (other / name).read_bytes() for name in names)


def test_the_fingerprint_counts_what_was_written(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    found = gpt.prepare(training(), tmp_path, folder, lambda text: None)
    ids = np.fromfile(folder / "train.bin", dtype="<u2")
    assert found["tokens"]["train"] == len(ids)
    tunes = int((np.fromfile(folder / "tunes.bin", "<u2") == 0).sum())
    assert found["documents"] == {"train": 54, "valid": 6, "tunes": tunes}
    assert int((ids == 0).sum()) == 54
    assert found["vocabulary"] == 320 and ids.max() < 320
    shares = np.unique(ids, return_counts=True)[1] / len(ids)
    assert found["unigram_entropy"] == pytest.approx(-(shares * np.log(shares)).sum())
    assert json.dumps(found)


def test_reads_a_folder_of_the_users_own(tmp_path: Path) -> None:
    own = tmp_path / "songs"
    own.mkdir()
    for index in range(20):
        (own / f"{index}.atex").write_text(f'\\title "Song {index}"\n:4 {index}.1 3.2 | 5.3 {index}.4 |\n' * 20)
    source = Data("folder", "songs", None, 1, 0.2, False)
    train, valid = data.documents(source, tmp_path, lambda text: None)
    assert len(train) == 16 and len(valid) == 4
    assert not set(train) & set(valid)


@pytest.mark.parametrize(("source", "message"), [
    (Data("folder", "nowhere", None, 1, 0.1, False), "no folder"),
    (Data("synthetic", None, 1, 1, 0.1, False), "pieces"),
])
def test_what_cannot_be_used_is_said_without_a_traceback(tmp_path: Path, source: Data, message: str) -> None:
    with pytest.raises(UserError, match=message):
        data.documents(source, tmp_path, lambda text: None)


def test_too_little_text_for_the_context_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="do not fill two rows of 4,096"):
        prepared(training(pieces=10, vocabulary=320, sequence_length=4096), tmp_path / "data")


def test_the_key_of_prepared_data_follows_the_texts(tmp_path: Path) -> None:
    run = training()
    own = dataclasses.replace(run.config, data=Data("folder", "tabs", None, 5, 0.1, False))
    folder_run = dataclasses.replace(run, config=own)
    (tmp_path / "tabs").mkdir()
    (tmp_path / "tabs" / "one.atex").write_text('\\title "One"\n3.2.4 5.2.4 |\n')
    before = gpt.data_key(folder_run, tmp_path)
    assert before == gpt.data_key(folder_run, tmp_path) != gpt.data_key(run, tmp_path)
    (tmp_path / "tabs" / "one.atex").write_text('\\title "One"\n3.2.4 5.2.8 |\n')
    assert gpt.data_key(folder_run, tmp_path) != before
