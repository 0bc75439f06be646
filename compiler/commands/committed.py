"""The snapshot that a plan compares with: a workspace, an experiment and perhaps a git revision in, its text out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ..plan.plan import Committed

FOLDER = "generated"
Reader = Callable[[str], str | None]
"""The text of a file below `generated/` by its name; None where there is none."""


def reader(workspace: Path, revision: str | None) -> tuple[Reader, str]:
    """What reads the build on disk, or as git holds it at a revision, and how a message names that revision."""
    if revision is None:
        return lambda name: _text(workspace / FOLDER / name), ""
    at = _At(workspace, revision)
    return at.text, f" at {revision}" + (f" ({at.commit[:12]})" if not at.commit.startswith(revision) else "")


def committed(read: Reader, at: str, run: str, spec: str, profile: str | None) -> Committed:
    """The snapshot of a run; where there is none, that of the run which the same spec and profile were built as."""
    place = f"{FOLDER}/{run}/snapshot.json{at}"
    if (text := read(f"{run}/snapshot.json")) is not None:
        return Committed(text, place)
    if (former := _former(read("manifest.json"), run, spec, profile)) and (text := read(f"{former}/snapshot.json")) is not None:
        return Committed(text, f"{FOLDER}/{former}/snapshot.json{at}", f"{spec} was built as {former}")
    remark = None if read("manifest.json") is not None or not at else f"git holds no {FOLDER}/{at}: commit what a build writes"
    return Committed(None, place, remark)


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None


def _former(manifest: str | None, run: str, spec: str, profile: str | None) -> str | None:
    try:
        runs = json.loads(manifest or "{}").get("runs", {}).items()
        same = [name for name, entry in runs if (entry["spec"], entry["profile"]) == (spec, profile) and name != run]
    except (ValueError, AttributeError, KeyError, TypeError):  # a manifest that cannot be read names nothing
        return None
    return same[0] if same and "/" not in same[0] else None


class _At:
    """Files of a workspace as git holds them at a revision; the workspace may be a folder of a bigger repository."""

    def __init__(self, workspace: Path, revision: str) -> None:
        try:
            import git
        except ImportError:  # gitpython looks for the program when it is imported
            raise click.UsageError("--against needs the program git, and there is none on the PATH") from None
        self._error = git.exc.GitCommandError
        self._git: Any = git.Git(str(workspace))
        if self._try("rev-parse", "--is-inside-work-tree") is None:
            raise click.UsageError(f"--against needs git, and {workspace} is in no repository that git will read: {self._said}")
        commit = self._try("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        if commit is None:
            shallow = self._try("rev-parse", "--is-shallow-repository") == "true"
            raise click.UsageError(f"git has no revision {revision!r} here" + (
                "; this clone is shallow: `git fetch --unshallow`, or fetch-depth: 0 in a workflow, brings the rest" if shallow
                else "; `git log --oneline` and `git branch --all` list those that there are"))
        self.commit = commit

    def text(self, name: str) -> str | None:
        """The text of a file below `generated/`."""
        # git reads ./ as the folder that it is called in.
        return self._try("cat-file", "blob", f"{self.commit}:./{FOLDER}/{name}")

    def _try(self, *words: str) -> str | None:
        try:
            return str(self._git.execute(["git", *words], strip_newline_in_stdout=words[0] != "cat-file"))
        except self._error as error:
            self._said = str(error.stderr).strip().removeprefix("stderr: ").strip("' \n").split("\n")[0]
            return None
