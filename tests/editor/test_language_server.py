"""What somebody sees who writes a spec in an editor: completions, hovers and marks of the YAML language server.

Needs node and the package of `tests/editor` (`npm ci --prefix tests/editor`); nothing is fetched from a network.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.editor.language_server import INSTALLED, OFFLINE, LanguageServer

ROOT = Path(__file__).parents[2]
SPECS = sorted((ROOT / "specs").rglob("*.yaml"))
NEW = ROOT / "specs" / "new.yaml"  # never written: the server is shown its text
FIRST_LINE = "# yaml-language-server: $schema=../generated/spec.schema.json\n"
pytestmark = pytest.mark.skipif(not INSTALLED, reason="needs node and: npm ci --prefix tests/editor")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    """One server for all tests; at the end it must have asked nobody for anything."""
    connections = tmp_path_factory.mktemp("server") / "connections"
    with LanguageServer(connections) as running:
        yield running
    assert not connections.exists(), connections.read_text()


def test_a_connection_would_be_noticed(tmp_path: Path) -> None:
    connections = tmp_path / "connections"
    asking = ["node", "--require", str(OFFLINE), "-e", "require('node:https').get('https://example.org')"]
    assert subprocess.run(asking, env=os.environ | {"CONNECTIONS": str(connections)}, capture_output=True).returncode != 0
    assert "example.org" in connections.read_text()


def show(server: LanguageServer, text: str) -> tuple[int, int]:
    """Opens a new spec whose text has a cursor `@`; the cursor's line and column, counted from 0."""
    before, _, after = (FIRST_LINE + text).partition("@")
    server.open(NEW, before + after)
    return before.count("\n"), len(before.rpartition("\n")[2])


def offered(server: LanguageServer, text: str) -> dict[str, str]:
    """What is offered at the cursor, each with its explanation."""
    return {label: item.get("documentation", "") for label, item in server.completions(NEW, *show(server, text)).items()}


def marks(server: LanguageServer, text: str) -> list[tuple[str, str]]:
    """What is marked in a new spec: the marked text, the message."""
    lines = (FIRST_LINE + text).splitlines()
    places = [(mark["range"]["start"], mark["range"]["end"], mark["message"]) for mark in server.open(NEW, FIRST_LINE + text)]
    return [(lines[start["line"]][start["character"]:end["character"]], message) for start, end, message in places]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_nothing_is_marked_in_a_shipped_spec(server: LanguageServer, spec: Path) -> None:
    assert server.open(spec, spec.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(("text", "place", "words"), [
    ("step: 3\n", "step", "not allowed"),
    ("model: {family: gpt, dpth: 3}\n", "dpth", "not allowed"),
    ("extends: d8_depth.yaml\nmodel: {dpth: 3}\n", "dpth", "not allowed"),
    ("profiles:\n  smoke:\n    optimizer: {matrx_lr: 0.1}\n", "matrx_lr", "not allowed"),
    ("steps: 20x\n", "20x", "Write a whole number of at least 1, such as 20000 or 20k."),
    ("hardware: {memory_budget: 8 gigs}\n", "8 gigs", "Write a size such as 8GB or 8GiB."),
    ("precision: fp8\n", "fp8", '"fp32", "bf16"'),
    ("expect:\n  - {below: 3, why: x}\n", "{", 'Missing property "metric"'),
])
def test_a_mistake_is_marked_where_it_is(server: LanguageServer, text: str, place: str, words: str) -> None:
    (marked, message), = marks(server, text)
    assert marked == place
    assert words in message


def test_sections_are_offered_with_what_they_are(server: LanguageServer) -> None:
    found = offered(server, "expc: 1\n@\n")
    assert {"name", "title", "model", "optimizer", "schedule", "eval", "expect", "profiles"} <= set(found)
    assert found["checkpoint"] == "When weights and optimizer state are saved; the last step and every stop are saved too."


def test_a_key_that_is_there_is_not_offered_again(server: LanguageServer) -> None:
    assert "seed" not in offered(server, "seed: 3\n@\n")


@pytest.mark.parametrize(("text", "options"), [
    ("precision: @\n", {"fp32", "bf16"}),
    ("resume:\n  schedule: @\n", {"continue", "restart", "rewarm"}),
    ("launch:\n  targets: [@]\n", {"bash", "tmux"}),
    ("model:\n  family: @\n", {"gpt"}),
    ("compile: @\n", {"true", "false"}),
    ("expect:\n  - metric: @\n", {"valid_loss", "peak_memory", "eval.composite"}),
    ("profiles:\n  smoke:\n    precision: @\n", {"fp32", "bf16"}),
])
def test_values_are_offered(server: LanguageServer, text: str, options: set[str]) -> None:
    assert options <= set(offered(server, text))


def test_devices_are_offered_by_their_names(server: LanguageServer) -> None:
    assert offered(server, "hardware:\n  target: @\n")["rtx_4060"] == "GeForce RTX 4060 8 GB"


@pytest.mark.parametrize("before", ["model:\n  family: gpt\n", "extends: d8_depth.yaml\n"])
def test_a_familys_own_keys_are_offered(server: LanguageServer, before: str) -> None:
    model = "" if before.startswith("model") else "model:\n"
    assert {"depth", "dim", "heads", "vocabulary"} <= set(offered(server, f"{before}{model}  @\n"))
    optimizer = offered(server, f"{before}optimizer:\n  @\n")
    assert optimizer["matrix_lr"] == "Rate of Muon for the blocks' matrices."
    assert optimizer["beta2"].startswith("Second moment's decay in AdamW. Default: 0.95.")  # other families' words follow


def test_a_profile_is_completed_like_a_spec(server: LanguageServer) -> None:
    found = offered(server, "profiles:\n  smoke:\n    @\n")
    assert {"model", "steps", "hardware"} <= set(found)
    assert not {"extends", "profiles"} & set(found)


@pytest.mark.parametrize(("text", "words"), [
    ("ste@ps: 20k\n", ["The step to train to", "Write a whole number", "Units: k, M, B.", "20000"]),
    ("hardware: {mem@ory_budget: 8GB}\n", ["Memory that a device may use", "Units: B, KB, MB, GB", "80GiB"]),
    ("model:\n  family: gpt\n  he@ads: 4\n", ["Attention heads; they divide dim."]),
    ("optimizer: {momen@tum: 0.9}\n", ["Muon's momentum (Nesterov). Default: 0.95."]),
    ("resume:\n  sched@ule: rewarm\n", ["rewarm: as continue"]),
])
def test_a_key_is_explained(server: LanguageServer, text: str, words: list[str]) -> None:
    shown = server.hover(NEW, *show(server, text)).replace("\\", "")
    assert [word for word in words if word not in shown] == []
