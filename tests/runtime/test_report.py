"""The results document: whole files against goldens, every stage that is missing, and strings that try to break out."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest

from expc.compiler.contract.experiment import Experiment
from expc.runtime import report
from tests.fixtures.experiments import d8_depth, d8_depth_v2, training
from tests.fixtures.runs import write_metrics, write_run

PLAIN, ENGLISH = "EXPERIMENT_D8_DEPTH_V2_RESULTS.md", "EXPERIMENT_D8_DEPTH_V2_RESULTS.en.md"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace in which the parent has left its curve."""
    (tmp_path / "specs").mkdir()
    write_metrics(tmp_path / "runs" / "d8_depth", training(0.25, 0.018, 0.0035, 0.4, 5000), 0, 5000)
    return tmp_path


def written(experiment: Experiment, workspace: Path, language: str = "en") -> str:
    """The document in one language, after writing all of them."""
    paths = report.write(experiment, workspace, lambda line: None)
    return paths[experiment.languages.index(language)].read_text(encoding="utf-8")


def test_finished_run_is_its_golden(workspace: Path, golden) -> None:
    write_run(workspace, d8_depth_v2())
    said: list[str] = []
    paths = report.write(d8_depth_v2(), workspace, said.append)
    assert [path.name for path in paths] == [PLAIN, ENGLISH]
    assert f"wrote runs/d8_depth_v2/{PLAIN}" in said
    for path in paths:
        golden(path.read_text(encoding="utf-8"), f"goldens/{path.name}")


def test_every_link_and_picture_is_there(workspace: Path) -> None:
    folder = write_run(workspace, d8_depth_v2())
    text = written(d8_depth_v2(), workspace)
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", text)
    assert pictures == ["figures/loss.png", "figures/rate.png"]
    assert all((folder / picture).is_file() for picture in pictures)
    assert "](../../generated/d8_depth_v2/EXPERIMENT_D8_DEPTH_V2_DESIGN.en.md)" in text


def test_results_of_a_profile_say_whose_goals_and_reasons_they_quote(workspace: Path) -> None:
    sentence = "written for the spec without a profile"
    small = dataclasses.replace(d8_depth_v2(), profile="small")
    assert sentence in written(small, workspace) and sentence not in written(d8_depth_v2(), workspace)


def test_nothing_run_gives_sections_that_say_so(workspace: Path) -> None:
    text = written(d8_depth_v2(), workspace)
    for sentence in (
        "has not been trained yet",
        "It has not been evaluated",
        "The stage `compare` has not been run",
        "The stage `evaluate` has not been run",
        "The stage `train` has not been run",
        "there is no curve",
        "Which scenario came true is undecided",
    ):
        assert sentence in text
    assert text.count("**not measured**") == len(d8_depth_v2().expectations)
    assert not re.search(r"\bNone\b|Undefined", text)
    assert not (workspace / "runs" / "d8_depth_v2" / "figures").exists()


def test_the_environment_is_made_as_the_workspace_makes_it(workspace: Path) -> None:
    write_run(workspace, d8_depth())
    assert "\npip install expc==0.1.0\nbash generated/train_d8_depth.sh\n" in written(d8_depth(), workspace)
    (workspace / "Makefile").write_text("all: setup\n\ttrue\n")
    assert "make setup" not in written(d8_depth(), workspace)
    (workspace / "Makefile").write_text("setup:\n\tbash scripts/setup.sh\n")
    assert "\nmake setup\nbash generated/train_d8_depth.sh\n" in written(d8_depth(), workspace)
    record = workspace / "runs" / "d8_depth" / "record.json"
    record.unlink()
    (workspace / "Makefile").unlink()
    assert "\npip install expc\nbash" in written(d8_depth(), workspace)


def test_half_way_says_where_it_stands(workspace: Path) -> None:
    write_run(workspace, d8_depth_v2(), outcome="interrupted", step=12_000)
    text = written(d8_depth_v2(), workspace)
    assert "has not reached the planned step 20,000" in text
    assert "**not valid** | training stands at step 12,000, the plan is step 20,000" in text
    assert "**Status**: interrupted, can go on" in text


def test_record_of_another_training_is_named_before_any_number(workspace: Path) -> None:
    folder = write_run(workspace, d8_depth_v2())
    record = json.loads((folder / "record.json").read_text())
    (folder / "record.json").write_text(json.dumps(record | {"training_sha256": "0" * 64}))
    text = written(d8_depth_v2(), workspace)
    assert text.index("The run's record is of another training section") < text.index("## Goals")
    assert "the evidence is of another training section" in text


def test_run_without_parent_comparison_or_promises_leaves_those_sections_out(workspace: Path) -> None:
    write_run(workspace, d8_depth())
    text = written(d8_depth(), workspace)
    headings = re.findall(r"^## (.+)$", text, flags=re.M)
    assert not {
        "Ranking",
        "Cost per point",
        "Marginal gain",
        "Which scenario came true",
        "What changes from the parent",
        "The boundary at resume",
        "Fairness of the comparison",
    } & set(headings)
    assert "Nothing was promised for this run." in text


def test_untrained_run_without_a_parent_has_no_validation(workspace: Path) -> None:
    text = written(d8_depth(run="fresh"), workspace)
    assert "No validation has been recorded." in text
    assert "the run was on" not in text


def test_ratios_are_given_on_the_target_alone(workspace: Path) -> None:
    folder = write_run(workspace, d8_depth_v2())
    assert "the run was on Example CPU" in written(d8_depth_v2(), workspace)
    record = json.loads((folder / "record.json").read_text())
    for attempt in record["attempts"]:
        attempt |= {"device": "cuda", "host": attempt["host"] | {"gpu": "NVIDIA GeForce RTX 4060"}}
    record["peak_memory_how"] = "peak allocated on the GPU"
    (folder / "record.json").write_text(json.dumps(record))
    text = written(d8_depth_v2(), workspace)
    assert "| Peak memory | 1.74 GB | estimated | 1.69 GB (allocated on the GPU) | × 0.971 |" in text
    assert "| Training time | ≥ 13 min 32 s | lower bound | 1 h 17 min | × 5.72 |" in text


def test_resident_memory_is_not_divided_by_a_prediction_of_tensors(workspace: Path) -> None:
    cpu = dataclasses.replace(d8_depth_v2().hardware, target="cpu", title="CPU")
    write_run(workspace, d8_depth_v2(hardware=cpu))
    text = written(d8_depth_v2(hardware=cpu), workspace)
    assert "1.69 GB (resident in the process) | not comparable |" in text
    assert "| Training time | ≥ 13 min 32 s | lower bound | 1 h 17 min | × 5.72 |" in text


def test_missing_numbers_are_dashes(workspace: Path) -> None:
    folder = write_run(workspace, d8_depth_v2())
    comparison = json.loads((folder / "enhanced_comparison_results.json").read_text())
    comparison["models"][-1] |= {
        "rank": None,
        "composite": None,
        "suites": {},
        "step": None,
        "cost": None,
        "valid_loss": None,
        "tokens": None,
        "problems": [{"code": "not_evaluated", "why": "d4_baseline | has <b>not</b> been trained"}],
    }
    (folder / "enhanced_comparison_results.json").write_text(json.dumps(comparison))
    text = written(d8_depth_v2(), workspace)
    assert "| – | `d4_baseline` | – | – | – | – | – | – |" in text
    assert (
        "`d4_baseline`: no score: d4\\_baseline &#124; has &lt;b&gt;not&lt;/b&gt; been trained".replace("\\_", "_")
        in text
    )


def test_no_completion_note_or_host_breaks_the_document(workspace: Path) -> None:
    evil = "x | y\n```\n````\n# h\n</td><script>alert(1)</script> \u202e\x1b[31m"
    folder = write_run(workspace, d8_depth_v2())
    (folder / "notes.md").write_text(evil, encoding="utf-8")
    for name in ("record.json", "evaluation/step_020000.json", "enhanced_comparison_results.json"):
        body = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(_poisoned(body, evil)))
    text = written(d8_depth_v2(), workspace)
    assert not {"\u202e", "\x1b"} & set(text)
    columns = fence = None
    for line in text.split("\n"):
        marks = re.match(r"`{3,}", line)
        if fence:
            fence = None if line == fence else fence
            continue
        fence = marks[0] if marks else None
        assert line != "# h"
        assert not re.search(r"<(?!br>|/?sub>|/?code>)[a-z/!]", line), line
        columns = (columns or line.count("|")) if line.startswith("|") else None
        assert columns is None or line.count("|") == columns, line
    assert fence is None


def _poisoned(value, evil: str, key: str = ""):
    """Free text in the evidence replaced; names and hashes that the report looks things up by stay."""
    if isinstance(value, dict):
        return {name: _poisoned(item, evil, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_poisoned(item, evil, key) for item in value]
    free = {
        "cpu",
        "torch",
        "python",
        "platform",
        "started",
        "ended",
        "device",
        "completion",
        "prompt",
        "machines",
        "peak_memory_how",
    }
    return evil if isinstance(value, str) and key in free else value


def test_a_torn_file_counts_as_missing(workspace: Path) -> None:
    folder = write_run(workspace, d8_depth_v2())
    for name in ("evaluation/step_020000.json", "enhanced_comparison_results.json"):
        (folder / name).write_text('{"format": ')
    text = written(d8_depth_v2(), workspace)
    assert "The stage `evaluate` has not been run" in text and "The stage `compare` has not been run" in text


def test_publish_copies_documents_with_their_figures(workspace: Path) -> None:
    write_run(workspace, d8_depth_v2())
    copies = report.publish(d8_depth_v2(), workspace, report.write(d8_depth_v2(), workspace, lambda line: None))
    assert [path.relative_to(workspace / "reports" / "d8_depth_v2").as_posix() for path in copies] == [
        PLAIN,
        ENGLISH,
        "figures/loss.png",
        "figures/rate.png",
    ]
    assert all(path.is_file() for path in copies)


def test_a_loss_on_the_tunes_that_rises_again_is_said(workspace: Path) -> None:
    folder = write_run(workspace, d8_depth_v2())
    assert "has risen to" not in written(d8_depth_v2(), workspace)
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    for line in lines:
        if line["kind"] == "valid" and line["step"] > 8000:
            line["tunes_loss"] += line["step"] / 20000
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert re.search(r"lowest at step 8,000 \([\d.]+ nats\) and has risen to [\d.]+ nats", written(d8_depth_v2(), workspace))
