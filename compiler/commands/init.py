"""`expc init`: a folder in; a workspace out, with one spec and what it builds to. Files that are there stay as they are."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from .. import emit
from ..contract import manifest
from ..contract.rendering import FOLDER
from ..launchers.quoting import shell
from ..pipeline import Session, artifacts
from ..workspace import all_specs
from .entries import entry_of, is_foreign, schema_file
from .shared import ERRORS, echo, shown

TEMPLATES = {path.stem: path for path in sorted((FOLDER / "init").glob("*.yaml"))}
PROFILES = (None, "smoke")  # every template has both
IGNORED = "/runs/"
GITIGNORE = f"# What runs leave behind. `expc report --publish` copies a report to reports/, to be committed.\n{IGNORED}\n"


@dataclass(eq=False)
class Refusal(Exception):
    """Why nothing is made here, and what to do instead."""

    why: str
    instead: str


def init(folder: Path, family: str, as_json: bool) -> int:
    """Makes the workspace, or says why not; nothing is left of one that could not be finished."""
    if family not in TEMPLATES:
        raise click.UsageError(f"there is no first spec for the family {family!r}; there are: {', '.join(TEMPLATES)}")
    try:
        made, kept = _make(folder, TEMPLATES[family].read_text(encoding="utf-8"))
    except Refusal as refusal:
        echo(f"error: {refusal.why}; nothing was made\n  help: {refusal.instead}", err=True)
        return ERRORS
    except OSError as error:
        echo(f"error: {error.filename or folder}: {error.strerror}; nothing was made", err=True)
        return ERRORS
    steps = list(_next(folder, made))
    if as_json:
        echo(json.dumps({"workspace": str(folder.resolve()), "made": made, "kept": kept,
                               "next": [command for command, _ in steps]}, indent=2))
    else:
        _tell(folder, made, kept, steps)
    return 0


def _make(folder: Path, spec: str) -> tuple[list[str], list[str]]:
    """Names of the files that were made and of those that were kept. Raises `Refusal` and `OSError`."""
    if existing := _specs(folder):
        return [], [f"specs/{path.name}" for path in existing]
    _need_room(folder / "generated")
    wanted = {"specs/first.yaml": spec, ".gitignore": GITIGNORE}
    kept = [name for name in wanted if (folder / name).exists()]
    created: list[Path] = []
    try:
        for name in wanted:
            if name not in kept:
                _write(folder / name, wanted[name], created)
        _folder(folder / "generated", created)
        built = _build(folder, folder / "specs" / "first.yaml")
    except OSError:
        _undo(created)
        raise
    return [*(name for name in wanted if name not in kept), *(f"generated/{name}" for name in built)], kept


def _specs(folder: Path) -> list[Path]:
    """The specs that are there already. Raises `Refusal` where other YAML files are among them, or no folder can be."""
    for path in (folder, folder / "specs"):
        if path.exists() and not path.is_dir():
            raise Refusal(f"{shown(path.absolute())} is a file", "name a folder")
    existing = all_specs(folder)
    if foreign := [path.name for path in existing if not _is_spec(path)]:
        raise Refusal(f"{shown(folder.absolute() / 'specs')} holds YAML that is no experiment spec ({', '.join(foreign)}), and "
                      "expc takes every YAML file in it for one", f"expc init {shell(str(folder / 'experiments'))}")
    return existing


def _is_spec(path: Path) -> bool:
    return any(line.startswith("expc:") for line in path.read_text(encoding="utf-8", errors="replace").splitlines())


def _need_room(generated: Path) -> None:
    """Raises `Refusal` where `generated/` holds what no build of ours wrote."""
    if is_foreign(generated):
        raise Refusal(f"{shown(generated.absolute())} belongs to something else, and builds write there",
                      f"expc init {shell(str(generated.parent / 'experiments'))}")


def _write(path: Path, text: str, created: list[Path]) -> None:
    _folder(path.parent, created)
    with path.open("x", encoding="utf-8", newline="") as file:
        created.append(path)
        file.write(text)


def _folder(path: Path, created: list[Path]) -> None:
    missing = [one for one in (path, *path.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir()
        created.append(one)


def _build(workspace: Path, spec: Path) -> list[str]:
    """Writes what the spec compiles to, in every profile; names below `generated/`."""
    entries, texts = {}, schema_file()
    for profile in PROFILES:
        compiled = Session(workspace, profile).compile(spec)
        assert compiled.experiment is not None, "the templates are sound; a test builds each of them"
        own = artifacts(compiled.experiment)
        entries[compiled.experiment.run] = entry_of(compiled, own, workspace)
        texts |= own
    return [*emit.write_build(workspace / "generated", entries, texts), manifest.NAME]


def _undo(created: list[Path]) -> None:
    for path in reversed(created):
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


# What is said at the end


def _tell(folder: Path, made: list[str], kept: list[str], steps: list[tuple[str, str]]) -> None:
    if not made:
        specs = f"{len(kept)} spec{'s' * (len(kept) != 1)}"
        echo(f"{shown(folder.absolute())} is a workspace already, with {specs}; nothing was changed")
    for name in made:
        if not name.startswith("generated/"):
            echo(f"made {shown(folder.absolute() / name)}")
    if made:
        count = sum(name.startswith("generated/") for name in made)
        echo(f"built {shown(folder.absolute() / 'generated')}: {count} files")
    if ".gitignore" in kept:
        echo(f"kept {shown(folder.absolute() / '.gitignore')}{_lacking(folder / '.gitignore')}")
    echo("next:")
    for command, why in steps:
        echo(f"  {command}" + (f"\n      {why}" if why else ""))


def _lacking(gitignore: Path) -> str:
    lines = gitignore.read_text(encoding="utf-8", errors="replace").split()
    return "" if {IGNORED, "/runs", "runs/", "runs"} & set(lines) else f"; add this line to it: {IGNORED}"


def _next(folder: Path, made: list[str]) -> Iterator[tuple[str, str]]:
    """The commands to type now, each with what it does."""
    if folder.resolve() != Path.cwd():
        yield f"cd {shell(str(folder))}", ""
    if made:
        yield f"{_python(folder)}bash generated/train_first.smoke.sh", "trains a small copy, on a CPU too, and reports on it"
    expc = _program()
    yield f"{expc} check", "after every change: says all that is wrong"
    yield f"{expc} build && {expc} build --profile smoke", "writes generated/ anew; commit it with the specs"


def _python(folder: Path) -> str:
    """What to put before a launcher that would not find this Python by itself."""
    own = folder / ".venv" / "bin" / "python"
    found = own if own.exists() else shutil.which("python3")
    return "" if found and _is_beside(Path(found)) else f"EXPC_PYTHON={shell(sys.executable)} "


def _program() -> str:
    """`expc`, or where it is when the path leads elsewhere."""
    found, own = shutil.which("expc"), Path(sys.executable).parent / "expc"
    return shell(str(own)) if own.exists() and not (found and _is_beside(Path(found))) else "expc"


def _is_beside(program: Path) -> bool:
    return program.parent.resolve() == Path(sys.executable).parent.resolve()
