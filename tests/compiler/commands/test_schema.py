"""`expc schema` as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

from expc.compiler.families import FAMILIES
from tests.compiler.commands.shell import ROOT, expc


def test_the_editors_schema_accepts_every_shipped_file(workspace: Path) -> None:
    import jsonschema
    import yaml

    validator = jsonschema.Draft202012Validator(json.loads(expc(workspace, "schema").stdout))
    for path in sorted((ROOT / "specs").rglob("*.yaml")):
        assert [error.message for error in validator.iter_errors(yaml.safe_load(path.read_text()))] == [], path


def test_the_schema_is_whole(tmp_path: Path) -> None:
    schema = json.loads(expc(tmp_path, "schema").stdout)
    assert schema["properties"]["model"]["properties"]["family"]["anyOf"][0]["enum"] == list(FAMILIES)
    assert schema["properties"]["launch"]["properties"]["targets"]["items"]["enum"] == ["bash", "tmux"]
