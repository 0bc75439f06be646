"""What the compiler says of nanochat against facts that were recorded from it: flags by revision, rates, parameters, words."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from expc.compiler.contract.command_line import flag_words
from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.nanochat import LAST, REVISIONS, SEEN, revision
from expc.compiler.families import nanochat
from expc.compiler.pipeline import Session
from expc.compiler.render import as_text

ROOT = Path(__file__).parents[3]
RECORDED = json.loads((ROOT / "tests" / "nanochat" / "revisions.json").read_text(encoding="utf-8"))
"""Flags of real commits of karpathy/nanochat, by their hash."""
SPEC = yaml.safe_load((ROOT / "tests" / "compiler" / "examples" / "specs" / "nanochat.yaml").read_text(encoding="utf-8"))


def compiled(folder: Path, **sections: dict[str, Any]) -> Experiment:
    spec = {key: {**value, **sections[key]} if key in sections else value for key, value in SPEC.items()}
    spec |= {key: value for key, value in sections.items() if key not in SPEC or not isinstance(value, dict)}
    (folder / "specs").mkdir(exist_ok=True)
    (folder / "specs" / "nanochat.yaml").write_text(yaml.safe_dump(spec))
    made = Session(folder).compile(folder / "specs" / "nanochat.yaml")
    assert made.experiment is not None, as_text(made.diagnostics)
    return made.experiment


@pytest.mark.parametrize("commit", RECORDED)
def test_the_tables_flags_are_those_of_the_commits_that_changed_them(commit: str) -> None:
    row = revision(RECORDED[commit]["date"])
    assert sorted(row.spelled(name) for name in row.flags) == sorted(RECORDED[commit]["flags"].split())


def test_rows_follow_one_another() -> None:
    assert [row.since for row in REVISIONS] == sorted({row.since for row in REVISIONS})
    assert RECORDED[SEEN]["date"] == LAST >= REVISIONS[-1].since
    assert revision("2025-10-13") is REVISIONS[0] and revision("2030-01-01") is REVISIONS[-1]


def words(experiment: Experiment) -> list[str]:
    command = experiment.training.config.command
    return [*command.run, *flag_words(command.style, command.flags)]


def test_the_words_of_the_newest_revision(tmp_path: Path) -> None:
    said = words(compiled(tmp_path))
    assert said[:3] == [".venv/bin/python", "-m", "scripts.base_train"]
    assert {"--depth=8", "--aspect-ratio=32", "--head-dim=64", "--max-seq-len=1024", "--num-iterations=1000",
            "--device-batch-size=4", "--total-batch-size=4096", "--matrix-lr=0.018", "--warmup-steps=0", "--eval-tokens=65536",
            "--core-metric-every=-1", "--sample-every=-1", "--device-type=cuda", "--window-pattern=L"} <= set(said)


@pytest.mark.parametrize("date", [row.since for row in REVISIONS])
def test_every_revision_is_told_only_what_it_takes(tmp_path: Path, date: str) -> None:
    row = revision(date)
    told = {word.partition("=")[0] for word in words(compiled(tmp_path, command={"date": date})) if word.startswith("--")}
    assert told <= {row.spelled(name) for name in row.flags}


def test_older_revisions_in_their_own_words(tmp_path: Path) -> None:
    said = words(compiled(tmp_path, command={"date": "2026-01-12"}, schedule={"warmup_steps": 40}))
    assert {"--embedding_lr=0.25", "--warmup_ratio=0.04", "--num_iterations=1000"} <= set(said)
    assert "--warmup-ratio=0.04" in words(compiled(tmp_path, command={"date": "2026-03-08"}, schedule={"warmup_steps": 40}))


def test_several_ranks_are_started_by_torch(tmp_path: Path) -> None:
    said = words(compiled(tmp_path, batch={"ranks": 2, "total_tokens": 8192}, hardware={"count": 2}))
    assert said[:8] == [".venv/bin/python", "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m",
                        "scripts.base_train", "--"]
    assert "--eval-tokens=131072" in said


def test_rates_are_those_that_nanochat_makes_of_the_flags(tmp_path: Path) -> None:
    """The figures were read off the real program, at 4,096 tokens an update and a width of 256."""
    made = compiled(tmp_path, optimizer={"matrix_lr": 0.016, "embedding_lr": 0.22, "unembedding_lr": 0.003})
    rates = {group.name: float(f"{group.rate:.4g}") for group in made.training.groups}
    assert rates == {"unembedding": 0.0004593, "embedding": 0.03368, "value_embeddings": 0.01684, "residual_scalars": 0.0004419,
                     "input_scalars": 0.04419, "smear": 0.2, "matrix": 0.001414}
    older = compiled(tmp_path, command={"date": "2026-03-08"}, optimizer={"embedding_lr": 0.22})
    assert [group.name for group in older.training.groups][-2:] == ["input_scalars", "matrix"]
    rates = {group.name: group.rate for group in older.training.groups}
    assert rates["value_embeddings"] == rates["embedding"]
    oldest = compiled(tmp_path, command={"date": "2026-01-14"})
    assert oldest.training.groups[-1].rate == 0.018 and oldest.training.groups[-1].weight_decay == 0.12 * (12 / 8) ** 2


@pytest.mark.parametrize("vocabulary", [374, 8192])
def test_parameters_are_counted_exactly(tmp_path: Path, vocabulary: int) -> None:
    """6,291,690 + 1,536 V, V padded to 64: counted in the real model at depth 8, width 256, 4 heads."""
    made = compiled(tmp_path, model={"vocabulary": vocabulary})
    padded = -(-vocabulary // 64) * 64
    assert sum(made.predictions.parameters.values()) == 6_291_690 + 1_536 * padded


def test_what_is_not_known_is_not_predicted(tmp_path: Path) -> None:
    figures = {one.name: one for one in compiled(tmp_path).predictions.figures}
    assert figures["peak_memory"].value is None and figures["train_time"].method == "lower_bound"


def test_a_short_window_costs_less(tmp_path: Path) -> None:
    flops = [nanochat.flops_per_token(compiled(tmp_path, model={"window_pattern": pattern}).training.config, 1024)
             for pattern in ("L", "SL", "S")]
    assert flops == sorted(flops, reverse=True) and len(set(flops)) == 3


def test_precision_and_compilation_are_told_by_the_environment(tmp_path: Path) -> None:
    env = compiled(tmp_path).training.config.command.env
    assert env == {"NANOCHAT_BASE_DIR": "{run_folder}/nanochat", "NANOCHAT_DTYPE": "bfloat16"}
    env = compiled(tmp_path, hardware={"target": "cpu"}, compile=False).training.config.command.env
    assert env["NANOCHAT_DTYPE"] == "float32" and env["TORCHDYNAMO_DISABLE"] == "1"
    assert "NANOCHAT_DTYPE" not in compiled(tmp_path, command={"date": "2026-03-03"}).training.config.command.env


def test_the_decay_of_the_matrices_falls_to_zero_and_jumps_at_the_boundary(tmp_path: Path) -> None:
    parent = compiled(tmp_path)
    assert parent.training.curves["weight_decay.matrix"].at(500) == pytest.approx(0.5)
    assert compiled(tmp_path, command={"date": "2026-03-08"}).training.curves["weight_decay.matrix"].at(250) == 0.75
    compiled(tmp_path)
    child = {**SPEC, "name": "child", "resume": {"from": "nanochat.yaml", "step": 1000}, "steps": 2000}
    (tmp_path / "specs" / "child.yaml").write_text(yaml.safe_dump(child))
    made = Session(tmp_path).compile(tmp_path / "specs" / "child.yaml")
    assert made.experiment is not None, as_text(made.diagnostics)
    row = next(one for one in made.experiment.boundary if one.name == "weight_decay.matrix")
    peak = made.experiment.training.groups[-1].weight_decay
    assert row.before == pytest.approx(peak * 0.5 * (1 + math.cos(math.pi * 999 / 1000)))
    assert row.after == pytest.approx(peak * 0.5)


MADE = {  # by GPT and setup_optimizer of real commits, at depth 4, width 64, 2 heads, 400 tokens, 512 tokens an update
    "2026-01-29": (311_432, (0.000378886, 0.027063294, 0.027063294, 0.00015625, 0.015625, 0.0005625)),
    "2026-03-04": (311_432, (0.000378886, 0.027063294, 0.027063294, 0.00015625, 0.015625, 0.0005625)),
    "2026-03-09": (311_352, (0.000378886, 0.027063294, 0.013531647, 0.00015625, 0.015625, 0.0005625)),
    "2026-03-14": (311_378, (0.000378886, 0.027063294, 0.013531647, 0.00015625, 0.015625, 0.2, 0.0005625)),
    "2026-07-03": (311_378, (0.000378886, 0.027063294, 0.013531647, 0.00015625, 0.015625, 0.2, 0.0005625)),
}
SMALL: dict[str, dict[str, Any]] = {
    "model": {"depth": 4, "dim": 64, "heads": 2, "vocabulary": 400, "sequence_length": 128},
    "batch": {"rows": 4, "total_tokens": 512}}


@pytest.mark.parametrize("date", MADE)
def test_every_revisions_parameters_and_rates_are_those_of_its_own_code(tmp_path: Path, date: str) -> None:
    made, (parameters, rates) = compiled(tmp_path, command={"date": date}, **SMALL), MADE[date]
    assert sum(made.predictions.parameters.values()) == parameters
    assert [group.rate for group in made.training.groups] == pytest.approx(rates, abs=5e-10)
