"""`expc check` as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.compiler.commands.shell import expc


def test_the_shipped_specs_are_sound(workspace: Path) -> None:
    checked = expc(workspace, "check")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "are sound" in checked.stdout


def test_all_mistakes_are_said_at_once_with_their_places(workspace: Path) -> None:
    spec = workspace / "specs" / "d8_depth.yaml"
    spec.write_text(spec.read_text().replace("heads: 4", "haeds: 4").replace("steps: 5000", "steps: many", 1))
    checked = expc(workspace, "check", "specs/d8_depth.yaml")
    assert checked.returncode == 1
    assert 'did you mean "heads"?' in checked.stderr
    assert "specs/d8_depth.yaml:9:29" in checked.stderr and "specs/d8_depth.yaml:10:8" in checked.stderr
    assert "Traceback" not in checked.stderr
    machine = json.loads(expc(workspace, "check", "specs/d8_depth.yaml", "--json").stdout)
    assert machine
