"""`expc schema`: the JSON Schema of specs, for editors."""

from __future__ import annotations

import json

from ..editor_schema import for_editors
from .shared import echo


def schema() -> int:
    """Prints the schema; it is JSON in any case."""
    echo(json.dumps(for_editors(), indent=2))
    return 0
