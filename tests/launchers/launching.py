"""For tests of launchers: a workspace with an experiment's launchers, and a Python that notes how it was called."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from expc.compiler import launchers
from expc.compiler.contract import snapshot
from expc.compiler.contract.experiment import Experiment
from expc.compiler.emit import write_build

STAGES = ["preflight", "prepare", "train", "evaluate", "compare", "report"]

# Notes its arguments. At the stage $AT it waits for a signal ($DO=wait), or ends with exit code $DO; for several ranks
# it also writes the outcome $RECORD as the real runtime would.
STAND_IN = r"""#!/usr/bin/env bash
if [[ $1 == -c ]]; then
    if [[ $2 == 'import expc.runtime' ]]; then exit "${BROKEN:-0}"; fi
    exec "$REAL_PYTHON" "$@"
fi
printf '%s\n' "$*" >>"$CALLS"
stage=${*: -1}
echo "doing $stage"
[[ $stage == "${AT:-}" ]] || exit 0
if [[ -n ${RECORD:-} ]]; then
    mkdir -p "$RECORD_FOLDER"
    printf '{"stages": {"train": {"outcome": "%s"}}}' "$RECORD" >"$RECORD_FOLDER/record.json"
fi
[[ $DO == wait ]] || exit "$DO"
caught() {
    echo "caught $1" >>"$CALLS"
    sleep 0.3
    exit "${AFTER:-75}"
}
trap 'caught INT' INT
trap 'caught TERM' TERM
trap 'caught HUP' HUP
echo ready >>"$CALLS"
for _ in {1..400}; do sleep 0.05; done
"""


@dataclass(frozen=True)
class Workspace:
    """A folder with `generated/`, and the environment in which its launchers are run."""

    folder: Path
    experiment: Experiment
    environment: dict[str, str]

    @property
    def calls(self) -> list[str]:
        """What the stand-in was called with, signals among them, in order."""
        path = Path(self.environment["CALLS"])
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    @property
    def stages(self) -> list[str]:
        """The stages that were run, in order."""
        return [line.rpartition("--stage ")[2] for line in self.calls if "--stage " in line]

    @property
    def snapshot(self) -> Path:
        return self.folder / "generated" / self.experiment.run / "snapshot.json"

    def launcher(self, kind: str = "") -> Path:
        profile = f".{self.experiment.profile}" if self.experiment.profile else ""
        return self.folder / "generated" / f"{self.experiment.launch.name}{profile}{kind}.sh"

    def command(self, *arguments: str, kind: str = "") -> list[str]:
        return ["bash", str(self.launcher(kind)), *arguments]

    def run(self, *arguments: str, kind: str = "", cwd: Path | None = None, **environment: str
            ) -> subprocess.CompletedProcess[str]:
        """Runs a launcher to its end, without a terminal."""
        return subprocess.run(self.command(*arguments, kind=kind), cwd=cwd or self.folder.parent, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, capture_output=True, env=self.environment | environment)


def make_workspace(folder: Path, experiment: Experiment) -> Workspace:
    """Writes the experiment's snapshot and launchers as a build does, and the stand-in beside them."""
    frozen = snapshot.dumps(experiment)
    texts = {**launchers.render(experiment, json.loads(frozen)["snapshot_sha256"]),
             f"{experiment.run}/snapshot.json": frozen}
    write_build(folder / "generated", {}, texts)
    python = folder / "stand in"
    python.write_text(STAND_IN, encoding="utf-8")
    python.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "LC_ALL")}
    environment = kept | {"EXPC_PYTHON": str(python), "CALLS": str(folder / "calls"),
                          "RECORD_FOLDER": str(folder / "runs" / experiment.run)}
    return Workspace(folder, experiment, environment)
