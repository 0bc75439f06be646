"""Secrets that a spec states for a foreign program: refused at their place, with what to do instead."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from expc.compiler.diagnostics import Diagnostic
from expc.compiler.pipeline import Session

EXAMPLES = Path(__file__).parent / "examples"
JUDGE = {"suites": {"accuracy": {"title": "Accuracy", "weight": "100%"}}}


def found(folder: Path, **overlay: Any) -> list[Diagnostic]:
    """The findings about secrets in the example program's spec with something put over it."""
    shutil.copytree(EXAMPLES, folder, dirs_exist_ok=True)
    spec = folder / "specs" / "child.yaml"
    spec.write_text(yaml.safe_dump({"extends": "program.yaml", "name": "child"} | overlay), encoding="utf-8")
    return [one for one in Session(folder).compile(spec).diagnostics if one.code == "E451"]


@pytest.mark.parametrize(("overlay", "said"), [
    ({"command": {"run": ["{python}", "train.py", "--hf-token=hf_abcdefghijklmnopqrstuv"]}}, "hf-token takes a secret"),
    ({"command": {"run": ["{python}", "train.py", "--api_key", "sk-abc"]}}, "api_key takes a secret"),
    ({"command": {"run": ["env", "HF_TOKEN=abc", "{python}", "train.py"]}}, "HF_TOKEN takes a secret"),
    ({"command": {"flags": {"token": "hf_abcdefghijklmnopqrstuv"}}}, "token takes a secret"),
    ({"command": {"flags": {"hub": {"urls": ["https://me:sesame@example.org"]}}}}, "hub.urls takes a secret"),
    ({"command": {"env": {"DATA": "https://me:sesame@example.org"}}}, "the value of DATA looks like a secret"),
    ({"watch": {"checkpoints": {"path": "out/{step}", "resume": {"hub_token": "abc"}}}}, "hub_token takes a secret"),
    ({"eval": JUDGE | {"program": {"run": ["python", "judge.py", "--password=abc"],
                                   "metrics": [{"line": "accuracy (?P<accuracy>\\S+)"}]}}}, "password takes a secret"),
])
def test_a_secret_is_refused_at_its_place(tmp_path: Path, overlay: dict[str, Any], said: str) -> None:
    (one,) = found(tmp_path, **overlay)
    assert said in one.message and one.help is not None and "command.env_from" in one.help
    assert one.span is not None and one.span.file.path.name == "child.yaml"


def test_what_models_have_is_no_secret(tmp_path: Path) -> None:
    flags = {"tokens": 4096, "key_dim": 64, "tokenizer": "x", "pad_token": "<pad>", "token": "<s>", "key": "loss"}
    run = ["{python}", "train.py", "--tokens", "4096", "--key_dim", "64", "--tokenizer", "x"]
    assert found(tmp_path, command={"flags": flags, "run": run}) == []
