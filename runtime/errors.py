"""How a run ends: the exit codes, and the error whose message is meant for the user as it stands.

| code | meaning |
|---|---|
| 0 | done |
| 1 | failed |
| 3 | stopped by a guard; the record and `events.jsonl` say which, when, and on what figures |
| 64 | misused: wrong arguments, an edited snapshot, another training's checkpoints, a run that is running already |
| 69 | preflight found something missing; the message names the command that makes it |
| 75 | interrupted: what was saved is whole, and the same command goes on from it (requeue me) |
"""

from __future__ import annotations

DONE = 0
FAILED = 1
STOPPED_BY_GUARD = 3
MISUSED = 64
MISSING = 69
INTERRUPTED = 75


class UserError(Exception):
    """Something that the user can mend. The message says what is wrong and what to do next; no traceback is shown."""

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code
