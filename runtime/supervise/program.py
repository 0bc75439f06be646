"""What is started: words, folder and environment of a foreign program, and the facts by which it is known again."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from expc.compiler.contract.command_line import filled

from ..files import sha256_of
from ..record import cpu_name, git_state
from ..workspace import run_folder


@dataclass(frozen=True)
class Program:
    """A command line that is complete, the folder it runs in, and its whole environment."""

    words: tuple[str, ...]
    directory: Path
    environment: dict[str, str]

    def executable(self) -> str | None:
        """The path of the program itself, found as the system will find it; None where there is none."""
        first = self.words[0]
        if os.sep in first:
            path = self.directory / first
            return str(path) if path.is_file() and os.access(path, os.X_OK) else None
        return shutil.which(first, path=self.environment.get("PATH", os.defpath))

    def facts(self, checkpoint: str | None = None) -> dict[str, Any]:
        """What tells later whether it is still the same program: its files by hash, the state of its repository.

        The checkpoint that it goes on from is not part of it.
        """
        names = [word for word in self.words[1:] if word != checkpoint and (self.directory / word).is_file()]
        return {"words": list(self.words), "files": {name: sha256_of(self.directory / name) for name in names},
                "git": git_state(self.directory)}


def placeholder_values(workspace: Path, run: str, **more: str) -> dict[str, str]:
    """What the placeholders of a command stand for here."""
    return {"python": sys.executable, "workspace": str(workspace), "run_folder": str(run_folder(workspace, run)), **more}


def fill(words: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """The words with their placeholders filled in."""
    return [filled(word, values) for word in words]


def environment(stated: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """This process's environment for a foreign program: what the launcher set for expc alone goes, what the spec states comes.

    Python programs do not hold back what they print.
    """
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    return {**inherited, "PYTHONUNBUFFERED": "1", **{name: filled(value, values) for name, value in stated.items()}}


def host() -> dict[str, Any]:
    """The machine; of the program's own software nothing is known from outside."""
    return {"cpu": cpu_name(), "cores": os.cpu_count(), "gpu": _gpu_name(), "platform": platform.platform()}


def _gpu_name() -> str | None:
    """The first GPU that the driver shows; None where there is no driver, or none may be used."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") == "":
        return None
    try:
        found = subprocess.run(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"], capture_output=True, text=True,
                               timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    names = found.stdout.splitlines() if found.returncode == 0 else []
    return names[0].strip() if names else None


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What may keep a resumed program from being the same: machine, repository, files."""
    pairs = {key: (before.get("host", {}).get(key), after["host"][key]) for key in ("cpu", "gpu")}
    old, new = before.get("program") or {}, after["program"]
    pairs["commit"] = ((old.get("git") or {}).get("commit"), (new["git"] or {}).get("commit"))
    pairs |= {name: ((old.get("files") or {}).get(name), new["files"].get(name))
              for name in sorted({*(old.get("files") or {}), *new["files"]})}
    return [f"{key} was {_short(one)}, is {_short(other)}" for key, (one, other) in pairs.items() if one != other]


def _short(value: Any) -> str:
    text = str(value or "not known")
    return text[:12] if len(text) in (40, 64) else text
