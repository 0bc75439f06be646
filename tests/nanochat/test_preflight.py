"""What keeps nanochat from being started: every trap that can be seen before it is, each with its name and the next step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
import torch
import yaml

from expc.compiler.contract.experiment import Experiment
from expc.compiler.contract.nanochat import revision
from expc.runtime.errors import MISSING
from expc.runtime.families import nanochat
from expc.runtime.families.nanochat.checkout import flags, unlike
from tests.nanochat.workspaces import DATE, STANDIN, build, first, git, merged, second
from tests.runtime.supervise.programs import Made

SCRIPT = STANDIN / "scripts" / "base_train.py"


def ready(top: Path, files: int = 2, column: str = "text", tokens: int = 300) -> None:
    """A base folder as nanochat's own scripts leave it."""
    (top / "base_data_climbmix").mkdir(parents=True)
    for index in range(files):
        pyarrow.parquet.write_table(pyarrow.table({column: ["x"]}), top / "base_data_climbmix" / f"shard_{index:05d}.parquet")
    (top / "tokenizer").mkdir()
    (top / "tokenizer" / "tokenizer.pkl").write_bytes(b"")
    torch.save(torch.ones(tokens, dtype=torch.int32), top / "tokenizer" / "token_bytes.pt")


def missing(made: Made) -> list[str]:
    return list(nanochat.missing(made.experiment, made.workspace))


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    """A spec that reads a ready folder."""
    made = first(tmp_path, data={"source": "ready", "path": "base", "pieces": None})
    yield made


def test_nothing_is_missing_where_nothing_is(made: Made) -> None:
    ready(made.workspace / "base")
    assert missing(made) == []


@pytest.mark.parametrize(("options", "said"), [
    ({"files": 1}, "holds 1 Parquet files; nanochat holds the last one out and waits for ever"),
    ({"column": "body"}, "has no column `text`"),
    ({"tokens": 274}, "has 274 tokens, though 300 were asked for: the text holds no more; state model.vocabulary: 274"),
    ({"tokens": 512}, "has 512 tokens; state model.vocabulary: 512"),
])
def test_data_that_nanochat_would_stumble_over(made: Made, options: dict[str, Any], said: str) -> None:
    ready(made.workspace / "base", **options)
    assert any(said in one for one in missing(made))


def test_data_that_are_not_there(made: Made) -> None:
    assert any("base does not exist; let data.path name the NANOCHAT_BASE_DIR" in one for one in missing(made))
    ready(made.workspace / "base")
    (made.workspace / "base" / "tokenizer" / "token_bytes.pt").unlink()
    assert any("token_bytes.pt does not exist; make the tokenizer" in one for one in missing(made))
    (made.workspace / "base" / "base_data_climbmix" / "shard_00001.parquet").write_bytes(b"PAR1")
    assert any("shard_00001.parquet is no Parquet file" in one for one in missing(made))


def test_the_older_data_folder_is_found_where_the_newer_one_is_not(made: Made) -> None:
    ready(made.workspace / "base")
    (made.workspace / "base" / "base_data_climbmix").rename(made.workspace / "base" / "base_data")
    assert missing(made) == []


def test_another_commit_and_another_day(made: Made) -> None:
    ready(made.workspace / "base")
    git(made.workspace / "nanochat", "commit", "-q", "--allow-empty", "-m", "later")
    (said,) = missing(made)
    assert "the spec pins" in said and "or state the other commit and its date" in said
    again = first_again(made, date="2026-07-01", commit=git(made.workspace / "nanochat", "rev-parse", "HEAD"))
    assert [f"is of {DATE}, the spec says 2026-07-01; mend command.date" in one for one in missing(again)] == [True]


def test_changes_that_are_not_committed(made: Made) -> None:
    ready(made.workspace / "base")
    checkout = made.workspace / "nanochat"
    (checkout / "notes.txt").write_text("of nobody's commit")
    assert missing(made) == []
    (checkout / "scripts" / "base_train.py").write_text(SCRIPT.read_text() + "\nprint('another loss')\n")
    (said,) = missing(made)
    assert "has changes that are not committed (scripts/base_train.py)" in said and f"git -C {checkout} stash" in said
    code, log = made.run("prepare", "train")
    assert code == MISSING and "has changes that are not committed" in log and "Traceback" not in log
    git(checkout, "add", "-u")
    assert len(missing(made)) == 1
    git(checkout, "stash")
    assert missing(made) == []


def first_again(made: Made, **command: Any) -> Made:
    """The same spec with other words about the checkout, whose folder stays."""
    spec = yaml.safe_load((made.workspace / "specs" / "first.yaml").read_text(encoding="utf-8"))
    return build(made.workspace, merged(spec, {"command": command}))


def test_no_repository_and_no_nanochat(made: Made) -> None:
    ready(made.workspace / "base")
    (made.workspace / "nanochat" / ".git").rename(made.workspace / "nanochat" / "git")
    assert any("is no git repository" in one for one in missing(made))
    (made.workspace / "nanochat" / "scripts" / "base_train.py").unlink()
    assert any("is no checkout of nanochat; change command.checkout" in one for one in missing(made))


@pytest.mark.parametrize(("old", "new", "said"), [
    ('"--matrix-lr"', '"--muon-lr"', ("does not take --matrix-lr", "takes --muon-lr")),
    ('"--warmup-steps"', '"--warmup-ratio"', ("does not take --warmup-steps", "takes --warmup-ratio")),
    ('"--embedding-lr"', '"--embedding_lr"', ("does not take --embedding-lr", "takes --embedding_lr")),
])
def test_flags_that_are_not_the_tables(tmp_path: Path, old: str, new: str, said: tuple[str, str]) -> None:
    script = tmp_path / "scripts" / "base_train.py"
    script.parent.mkdir()
    script.write_text(SCRIPT.read_text().replace(old, new))
    found = list(unlike(script, revision(DATE)))
    assert len(found) == 2 and all(part in one for part, one in zip(said, found, strict=True))


def test_a_script_that_is_no_python(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "base_train.py").write_text("def (")
    (said,) = unlike(tmp_path / "scripts" / "base_train.py", revision(DATE))
    assert "cannot be read as Python" in said


def test_the_stand_in_takes_what_the_table_says() -> None:
    row = revision(DATE)
    assert flags(SCRIPT.read_text()) == {row.spelled(name) for name in row.flags}


def test_a_checkpoint_of_another_architecture_is_refused_before_it_starts(made: Made) -> None:
    ready(made.workspace / "base")
    (made.workspace / "theirs").mkdir()
    experiment = resumed(made)
    assert [one.code for one in experiment.warnings] == []
    for name in ("model_000020.pt", "optim_000020_rank0.pt"):
        (made.workspace / "theirs" / name).write_bytes(b"")
    (said,) = nanochat.missing(experiment, made.workspace)
    assert "meta_000020.json: missing; nanochat cannot go on from step 20 without" in said
    for text, expected in (('{"model_config": {"window_pattern": "SSSL", "n_layer": 2, "vocab_size": 400}}',
                            "vocab_size is 400 there, 300 here; window_pattern is SSSL there, L here"),
                           ("{}", "has no model_config"), ("not json", "has no model_config")):
        (made.workspace / "theirs" / "meta_000020.json").write_text(text)
        (said,) = nanochat.missing(experiment, made.workspace)
        assert expected in said


def resumed(made: Made) -> Experiment:
    return second(made, command={"parent": "theirs"}).experiment
