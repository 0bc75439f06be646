"""`expc schema`: the JSON Schema of specs, for editors."""

from __future__ import annotations

import json

import click

from ..editor_schema import for_editors


def schema() -> int:
    """Prints the schema; it is JSON in any case."""
    click.echo(json.dumps(for_editors(), indent=2, ensure_ascii=False))
    return 0
