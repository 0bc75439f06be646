"""How long a task waits for its data: it enters this around every fetch, and guards and metrics read it."""

from __future__ import annotations

import time


class Waiting:
    """`seconds` waited so far, and `since` when (monotonic) a fetch has been going on, None where none is."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.since: float | None = None

    def __enter__(self) -> None:
        self.since = time.monotonic()

    def __exit__(self, *error: object) -> None:
        if self.since is not None:
            self.seconds += time.monotonic() - self.since
        self.since = None
