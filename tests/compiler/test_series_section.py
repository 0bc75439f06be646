"""A series of runs: what changed from one to the next, whose losses may be compared, its launcher and its document."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from expc.compiler import documents, launchers
from expc.compiler.contract import rendering
from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.series import Series, Step
from expc.compiler.pipeline import Session
from tests.compiler.test_claims import EXAMPLES, ROOT, codes

LAST = "specs/musicgen_lora/run4_stage2.yaml"


@cache
def experiment(profile: str | None = None) -> Experiment:
    found = Session(ROOT, profile).compile(ROOT / LAST).experiment
    assert found is not None
    return found


def series() -> Series:
    found = experiment().series
    assert found is not None
    return found


def test_the_run_that_lists_the_others_is_the_last() -> None:
    assert [member.run for member in series().members] == [
        "lora_run1", "lora_run2", "lora_run3", "lora_run4_stage1", "lora_run4_stage2"]
    assert [member.run for member in experiment("smoke").series.members][0] == "lora_run1.smoke"  # type: ignore[union-attr]


def test_only_settings_that_differ_are_told() -> None:
    keys = series().keys
    assert {"model.rank", "data.mask_padding", "optimizer.lr", "epochs", "batch.rows"} <= set(keys)
    assert not {"model.dim", "seed", "optimizer.gradient_clip", "name"} & set(keys)
    ranks = [member.values[keys.index("model.rank")] for member in series().members]
    assert ranks == ["12", "32", "32", "12", "16"]


def test_settings_that_all_runs_share_are_told_once() -> None:
    shared = {one.key: one.value for one in series().shared}
    assert shared["model.base"] == "facebook/musicgen-small" and shared["seed"] == "42" and "optimizer.gradient_clip" in shared
    assert not shared.keys() & set(series().keys) and "name" not in shared
    smoke = experiment("smoke").series
    assert smoke is not None and {one.key: one.value for one in smoke.shared}["batch.rows"] == "8"


def test_changes_are_against_the_run_before() -> None:
    changes = [member.changes for member in series().members]
    assert changes[0] == () and changes[2] == (Step("epochs", "1", "6"),)
    assert Step("batch.rows", "1", "2") in changes[3] and Step("batch.rows", "2", "1") in changes[4]


def test_losses_of_the_run_without_a_mask_stand_alone() -> None:
    assert [member.losses for member in series().members] == [0, 1, 1, 1, 1]
    assert set(series().meaning) == {"data.clip_seconds", "data.mask_padding"}


def test_the_document_says_what_may_be_compared() -> None:
    texts = documents.render(experiment())
    english = texts["SERIES_MUSICGEN_LORA_DESIGN.en.md"]
    assert "| `data.mask_padding` | `false` | `true` |" in english and "nothing in it is measured" in english
    assert {name for name in texts if name.startswith("SERIES")} == {
        "SERIES_MUSICGEN_LORA_DESIGN.md", "SERIES_MUSICGEN_LORA_DESIGN.en.md"}


def test_the_document_names_the_losses_that_padding_does_not_touch() -> None:
    texts = documents.render(experiment())
    for language, name in (("en", "SERIES_MUSICGEN_LORA_DESIGN.en.md"), ("zh", "SERIES_MUSICGEN_LORA_DESIGN.md")):
        words = rendering.Words(language)
        begun = words("series.some_losses_differ", metrics="|").split("|")[0]
        line = next(line for line in texts[name].splitlines() if line.startswith(begun))
        assert words.label("metric", "sounding_loss") in line and words.label("metric", "valid_loss") not in line


def test_where_every_loss_depends_on_what_differs_none_is_named() -> None:
    made = experiment()
    other = replace(series(), meaning=(*series().meaning, "data.seed"))
    text = documents.render(replace(made, series=other))["SERIES_MUSICGEN_LORA_DESIGN.en.md"]
    assert rendering.Words("en")["series.losses_differ"] in text


def test_a_run_that_ends_no_series_has_neither_document_nor_launcher() -> None:
    one = Session(ROOT).compile(ROOT / "specs/musicgen_lora/run3_full.yaml").experiment
    assert one is not None and one.series is None
    assert not any("series" in name.lower() for name in (*documents.render(one), *launchers.render(one, "0" * 64)))


def started(folder: Path, exits: dict[str, int], *options: str) -> tuple[int, list[str]]:
    """Exit code of the series' launcher over stand-ins for those of its runs, and what these were started with."""
    name = next(name for name in launchers.render(experiment(), "0" * 64) if name.startswith("series_"))
    (folder / name).write_text(launchers.render(experiment(), "0" * 64)[name])
    for member in series().members:
        code = exits.get(member.run, 0)
        (folder / Path(member.launcher).name).write_text(f'echo "{member.run} $*" >> "{folder}/started"\nexit {code}\n')
    done = subprocess.run(["bash", str(folder / name), *options], capture_output=True, text=True, check=False)
    return done.returncode, (folder / "started").read_text().splitlines()


def test_the_launcher_starts_every_run_in_order(tmp_path: Path) -> None:
    code, lines = started(tmp_path, {}, "--dry-run")
    assert code == 0 and lines == [f"{member.run} --dry-run" for member in series().members]


@pytest.mark.parametrize("exit_code", [1, 3, 75])
def test_the_first_run_that_does_not_succeed_ends_it(tmp_path: Path, exit_code: int) -> None:
    code, lines = started(tmp_path, {"lora_run2": exit_code})
    assert code == exit_code and len(lines) == 2


def test_a_series_that_lists_its_own_run_is_refused(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES, tmp_path, dirs_exist_ok=True)
    spec = tmp_path / "specs" / "last.yaml"
    spec.write_text("extends: lora.yaml\nname: last\nseries: {name: one, title: One, runs: [{spec: last.yaml}]}\n")
    assert "E512" in codes(Session(tmp_path).compile(spec))


def test_the_last_run_cannot_have_the_series_own_launcher(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES, tmp_path, dirs_exist_ok=True)
    spec = tmp_path / "specs" / "last.yaml"
    last = "extends: lora.yaml\nname: last\nseries: {name: one, title: One, runs: [{spec: lora.yaml}]}\nlaunch: {name: %s}\n"
    for name, said in (("series_one", ["E360"]), ("one", [])):
        spec.write_text(last % name)
        assert [code for code in codes(Session(tmp_path).compile(spec)) if code.startswith("E")] == said


def test_a_signal_reaches_the_run_and_ends_the_series(tmp_path: Path) -> None:
    name = next(name for name in launchers.render(experiment(), "0" * 64) if name.startswith("series_"))
    (tmp_path / name).write_text(launchers.render(experiment(), "0" * 64)[name])
    first = Path(series().members[0].launcher).name
    (tmp_path / first).write_text("trap 'kill $!; exit 75' TERM\nsleep 60 &\necho begun\nwait\n")
    with subprocess.Popen(["bash", str(tmp_path / name)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "begun\n"
        process.terminate()
        _, said = process.communicate(timeout=30)
    assert process.returncode == 75 and f"{first} ended with exit code 75" in said
