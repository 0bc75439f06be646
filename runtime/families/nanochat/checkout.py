"""A checkout of nanochat against its spec: its commit, what was changed since, and the flags that its own source takes.

The source is parsed, never run: asking it for `--help` would import PyTorch.
"""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

from expc.compiler.contract.families.nanochat import Config
from expc.compiler.contract.nanochat import Revision, revision

SCRIPT = "scripts/base_train.py"


def problems(config: Config, workspace: Path) -> Iterator[str]:
    """What of the checkout is not as the spec says, each with what to do about it."""
    folder, pinned = workspace / config.command.directory, config.checkout
    script = folder / SCRIPT
    if not folder.is_dir():
        return  # which the preflight of every foreign program says
    if not script.is_file():
        yield f"{script} does not exist: {folder} is no checkout of nanochat; change command.checkout"
        return
    at = _commit(folder)
    if at is None:
        yield f"{folder} is no git repository, so that its commit cannot be told; clone nanochat there"
    elif not at[0].startswith(pinned.commit):
        yield (f"{folder} is at commit {at[0][:12]} ({at[1]}), the spec pins {pinned.commit[:12]}; git -C {folder} checkout "
               f"{pinned.commit[:12]}, or state the other commit and its date")
    elif at[1] != pinned.date:
        yield f"commit {at[0][:12]} is of {at[1]}, the spec says {pinned.date}; mend command.date"
    if changed := _changed(folder):
        yield (f"{folder} has changes that are not committed ({_some(changed)}), so that it is not the commit which the spec "
               f"pins; put them away (git -C {folder} stash), or commit them and state that commit in command.commit and its "
               "date in command.date")
    yield from unlike(script, revision(pinned.date))


def _changed(folder: Path) -> list[str]:
    """Files of the commit that are not as they are in it; what git does not know belongs to no commit."""
    words = ["git", "--no-optional-locks", "-C", str(folder), "status", "--porcelain", "--untracked-files=no", "-z"]
    done = subprocess.run(words, capture_output=True, text=True, errors="replace")
    return [entry[3:] for entry in done.stdout.split("\0") if entry[2:3] == " "] if done.returncode == 0 else []


def _some(names: list[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")


def _commit(folder: Path) -> tuple[str, str] | None:
    """Hash and day of the commit that a checkout is at."""
    done = subprocess.run(["git", "-C", str(folder), "show", "-s", "--format=%H %cs", "HEAD"], capture_output=True, text=True)
    return (done.stdout.split()[0], done.stdout.split()[1]) if done.returncode == 0 else None


def unlike(script: Path, row: Revision) -> Iterator[str]:
    """Where the script's flags and the table's differ, each by its name."""
    try:
        taken = flags(script.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError) as error:
        yield f"{script} cannot be read as Python ({error}); git -C {script.parents[1]} status says what has changed"
        return
    known = {row.spelled(name) for name in row.flags}
    if lacking := sorted(known - taken):
        yield f"{script} does not take {', '.join(lacking)}, which revisions from {row.since} on do; {_advice(script)}"
    if new := sorted(taken - known):
        yield f"{script} takes {', '.join(new)}, which revisions from {row.since} on do not; {_advice(script)}"


def _advice(script: Path) -> str:
    return (f"undo changes to it (git -C {script.parents[1]} status), mend command.date, or check out a commit whose flags "
            "are known (docs/nanochat.md)")


def flags(source: str) -> set[str]:
    """The names in all `add_argument` calls of a Python source. Raises SyntaxError."""
    return {str(word.value) for call in ast.walk(ast.parse(source))
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "add_argument"
            for word in call.args if isinstance(word, ast.Constant) and str(word.value).startswith("--")}
