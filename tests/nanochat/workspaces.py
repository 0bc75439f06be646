"""Workspaces with a checkout of the stand-in and two specs of the nanochat family: a parent, and one that resumes it."""

from __future__ import annotations

import copy
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from expc.compiler.emit import write_build
from expc.compiler.pipeline import Session, artifacts
from expc.compiler.render import as_text
from tests.runtime.supervise.programs import Made

STANDIN = Path(__file__).parent / "checkout"
DATE = "2026-07-03"
SPEC: dict[str, Any] = {
    "expc": 1, "name": "first", "title": "First",
    "model": {"family": "nanochat", "depth": 2, "dim": 64, "heads": 2, "vocabulary": 300, "sequence_length": 256},
    "command": {"checkout": "nanochat", "python": sys.executable, "date": DATE},
    "data": {"source": "synthetic", "pieces": 12},
    "batch": {"rows": 2, "total_tokens": 512},
    "optimizer": {"embedding_lr": 0.3, "unembedding_lr": 0.02, "matrix_lr": 0.1, "weight_decay": 0.1},
    "schedule": {"warmdown_ratio": "25%", "warmdown_of": "total", "final_fraction": "50%"},
    "steps": 20, "precision": "fp32", "checkpoint": {"every": 10}, "hardware": {"target": "cpu"},
    "eval": {"validation": {"every": 10, "batches": 4}}, "report": {"language": ["en"]},
}
SECOND = {"name": "second", "resume": {"from": "first.yaml", "step": 20}, "steps": 40,
          "optimizer": {"embedding_lr": 0.2, "unembedding_lr": 0.01, "matrix_lr": 0.05, "weight_decay": 0.1}}


def git(folder: Path, *words: str) -> str:
    """Runs git on a repository whose commits have the stand-in's day."""
    who = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER")
           for what, value in (("NAME", "x"), ("EMAIL", "x@x"), ("DATE", f"{DATE}T12:00:00Z"))}
    done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True, env=os.environ | who)
    return done.stdout.strip()


def checkout(workspace: Path) -> str:
    """A repository with the stand-in in it; returns its commit."""
    folder = workspace / "nanochat"
    shutil.copytree(STANDIN, folder, ignore=shutil.ignore_patterns("__pycache__"))
    git(folder, "init", "-q")
    (folder / ".gitignore").write_text("__pycache__\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "stand-in")
    return git(folder, "rev-parse", "HEAD")


def merged(base: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Any]:
    """Mappings merge, everything else replaces."""
    made = copy.deepcopy(base)
    for key, value in overlay.items():
        made[key] = merged(made[key], value) if isinstance(value, dict) and isinstance(made.get(key), dict) else value
    return made


def first(workspace: Path, **overlay: Any) -> Made:
    """Checkout and parent, built; the overlay changes the spec."""
    return build(workspace, merged(merged(SPEC, {"command": {"commit": checkout(workspace)}}), overlay))


def second(parent: Made, **overlay: Any) -> Made:
    """A spec that resumes the parent with other rates, built; name it, where one workspace has several."""
    spec = yaml.safe_load((parent.workspace / "specs" / "first.yaml").read_text(encoding="utf-8"))
    return build(parent.workspace, merged(merged(spec, SECOND), overlay))


def build(workspace: Path, spec: dict[str, Any]) -> Made:
    """Writes a spec and what it compiles to."""
    path = workspace / "specs" / f"{spec['name']}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(spec, allow_unicode=True), encoding="utf-8")
    compiled = Session(workspace).compile(path)
    assert compiled.experiment is not None, as_text(compiled.diagnostics)
    write_build(workspace / "generated", {}, artifacts(compiled.experiment))
    return Made(workspace, compiled.experiment)
