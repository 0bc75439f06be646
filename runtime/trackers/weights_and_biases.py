"""Weights & Biases: lines of the journal in, a run of W&B out, on its server or as a file in `runs/<run>/wandb/`.

Without a key (`WANDB_API_KEY`, or one in ~/.netrc) nothing leaves the machine: the file can be sent later with `wandb sync`.
`WANDB_MODE`, `WANDB_PROJECT`, `WANDB_ENTITY` and the other variables of W&B hold.
"""

from __future__ import annotations

import netrc
import os
import secrets
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from expc.compiler.contract.files import write_atomic

from ..files import read_json
from . import Line, figures

FOLDER, SERVER, PROJECT = "wandb", "https://api.wandb.ai", "expc"


class WeightsAndBiases:
    """One run of W&B for a run of ours, over all of its attempts.

    A file is written anew from the whole journal. A server keeps what it has been told: a resumed run goes on behind its last
    step there, and a journal that has been taken back goes to another run of W&B, in the same group.
    """

    def __init__(self, folder: Path, again: bool) -> None:
        """`folder` is the run's; `again` says that the journal has been taken back since this process opened it first."""
        import wandb

        self._folder, home = folder, folder / FOLDER
        stated: Any = mode()
        online = stated == "online"
        for path in home.glob("offline-run-*"):
            shutil.rmtree(path)
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT), group=folder.name, name=folder.name, config=_config(folder),
            id=identity(home, anew=online and again), resume="allow" if online else None, dir=str(folder), mode=stated,
            settings=wandb.Settings(console="off", silent=True, disable_git=True, save_code=False))
        self._first = self._run.starting_step

    def take(self, line: Line) -> None:
        if line["step"] >= self._first:
            self._run.log(figures(line), step=line["step"])

    def flush(self) -> None:
        """W&B sends by itself."""

    def close(self) -> None:
        record = read_json(self._folder / "record.json") or {}
        self._run.finish(exit_code=0 if record.get("outcome") == "done" else 1)


def mode() -> str:
    """What WANDB_MODE says; else `online` where there is a key for the server, and `offline` where there is none."""
    if stated := os.environ.get("WANDB_MODE"):
        return stated
    try:
        host = urlsplit(os.environ.get("WANDB_BASE_URL", SERVER)).hostname or ""
        known = bool(os.environ.get("WANDB_API_KEY")) or netrc.netrc().authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        known = False
    return "online" if known else "offline"


def identity(home: Path, anew: bool) -> str:
    """The name by which W&B knows the run: drawn once, and anew where another one is wanted."""
    path = home / "id"
    if anew or not path.is_file():
        home.mkdir(parents=True, exist_ok=True)
        write_atomic(path, secrets.token_hex(4))
    return path.read_text(encoding="utf-8")


def _config(folder: Path) -> dict[str, Any]:
    """What is trained, by which W&B can sort and compare runs."""
    snapshot = read_json(folder / "snapshot.json") or {}
    training: dict[str, Any] = snapshot.get("experiment", {}).get("training", {})
    return training
