"""`expc probe`: the search finds the edge, a try is a process of its own, and its answer is what was seen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expc.compiler.contract import snapshot
from expc.compiler.contract.training import known
from expc.compiler.pipeline import Session
from expc.runtime import probe
from expc.runtime.errors import UserError
from tests.compiler.commands.shell import ROOT, expc
from tests.runtime import toy_family


def fake(edge: int, first: int = 1, most: int = 1024) -> tuple[list[int], list[probe.Try]]:
    """The sizes that a search tries on a machine which holds up to `edge`, and its tries."""
    asked = list[int]()

    def attempt(size: int) -> probe.Try:
        asked.append(size)
        assert len(asked) <= 40
        return probe.Try(size, size <= edge, size, 1.0, "")

    return asked, probe.search(attempt, first, most)


@given(st.integers(0, 3000))
def test_the_search_closes_in_on_the_largest_that_fits(edge: int) -> None:
    asked, tries = fake(edge)
    fits = max((one.size for one in tries if one.fits), default=0)
    not_ = min((one.size for one in tries if not one.fits), default=0)
    assert len(asked) == len(set(asked)) <= 20
    if edge == 0:
        assert asked == [1]
    elif edge >= 1024:
        assert fits == 1024 and not not_
    else:
        assert fits <= edge < not_ and not_ - fits <= max(1, fits // probe.FINEST)


@given(st.integers(1, 3000), st.integers(1, 200), st.integers(1, 2000))
def test_a_search_with_any_limits_ends_and_stays_within_them(edge: int, first: int, more: int) -> None:
    asked, tries = fake(edge, first, first + more)
    assert len(asked) == len(set(asked)) and max(asked) <= first + more
    fits, not_ = ([one.size for one in tries if one.fits is wanted] for wanted in (True, False))
    assert not fits or not not_ or min(not_) - max(fits) <= max(first, max(fits) // probe.FINEST)


def test_the_answer_says_whether_the_spec_fits() -> None:
    found = {"what": "batch", "largest": 20, "too_large": 21, "spec": 8, "why": "out of memory"}
    assert probe.answer(found) == "largest that fits: 20 rows (21 does not: out of memory); the spec's 8 fits"
    assert probe.answer(found | {"not_counted": "an encoder"}).endswith("; not counted, so less may fit: an encoder")
    assert "the spec's 32 does not fit" in probe.answer(found | {"spec": 32})
    assert probe.answer(found | {"largest": None, "too_large": 1}) == (
        "too large already: 1 row (out of memory); the spec says 8")


def test_a_real_try_reports_time_and_peak_and_one_that_runs_out_says_so(tmp_path: Path) -> None:
    built = expc(ROOT, "build", "specs/meloformer_small.yaml", "--profile", "smoke", "--set", "model.dim=16", "--set",
                 "model.depth=1", "--set", "model.heads=2", "--out", str(tmp_path / "built"))
    assert built.returncode == 0, built.stderr
    path = next((tmp_path / "built").glob("*/snapshot.json"))
    fits = probe._attempt(path, 1, 1, 64, None, 120)
    assert fits.fits and fits.peak_memory and fits.seconds
    assert probe._attempt(path, 4096, 4096, 512, 1_000_000_000, 120).why == "out of memory"


def test_a_failure_of_another_kind_is_no_answer(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    path.write_text(snapshot.dumps(toy_family.experiment(toy_family.training())).replace("0", "1"), encoding="utf-8")
    with pytest.raises(UserError, match="the try with 2 failed"):
        probe._attempt(path, 2, 2, 8, None, 120)


@pytest.mark.parametrize(("spec", "length", "counted"), [("meloformer_small", 512, True), ("glyph_vae", 48, False)])
def test_a_length_is_the_models_and_a_batch_has_it_where_it_counts_it(spec: str, length: int, counted: bool) -> None:
    """A glyph counts as one sample however long it is; its tokens are what a probe tries more of."""
    experiment = Session(ROOT, "smoke").compile(ROOT / "specs" / f"{spec}.yaml").experiment
    assert experiment is not None
    assert probe.spec_says(experiment, "seq_len") == length
    longer = probe.shaped(experiment.training, 2, 999)
    assert probe.length_of(longer) == 999 and known(longer.batch).rows == 2
    assert known(longer.batch).sequence_length == (999 if counted else 1)
    wider = probe.shaped(experiment.training, 2, 0)
    assert probe.length_of(wider) == length and wider.config == experiment.training.config


def test_a_family_without_a_length_says_so() -> None:
    experiment = Session(ROOT, "smoke").compile(ROOT / "specs" / "timbre_restore.yaml").experiment
    assert experiment is not None and probe.length_of(experiment.training) is None
    with pytest.raises(UserError, match="timbre_restore has no sequence length to probe; probe batch"):
        probe.spec_says(experiment, "seq_len")


@pytest.mark.parametrize(("words", "said"), [
    (("nowhere",), "there is no run or snapshot nowhere"), (("nowhere.yaml",), "does not compile"),
    (("specs/meloformer_small.yaml", "--memory", "blue"), "is no size"),
    (("d8_depth_v2", "--profile", "smoke"), "goes with a spec")])
def test_mistakes_on_the_command_line_are_said(words: tuple[str, ...], said: str) -> None:
    refused = expc(ROOT, "probe", "batch", *words)
    assert refused.returncode in (1, 64) and said in refused.stderr, refused.stderr


def test_programs_get_one_answer() -> None:
    done = expc(ROOT, "probe", "batch", "specs/meloformer_small.yaml", "--profile", "smoke", "--most", "1", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 0 and found["largest"] == 1 and found["spec"] == 8 and found["too_large"] is None
