"""How a run ends: the exit codes, the error whose message is meant for the user as it stands, and advice on a disk's errors.

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

import errno
import os
from pathlib import Path

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


STANDS_THERE = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENOTEMPTY)
READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


def advice(error: OSError) -> str | None:
    """What to do about a disk or a folder of runs that is not as it has to be; None for what is no user's to mend."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "what was saved before is whole. Make room, then run the same command again"
    path = Path(os.path.abspath(os.fsdecode(error.filename))) if isinstance(error.filename, (str, bytes)) else Path()
    if "runs" not in path.parts:
        return None
    dangling = next((one for one in (path, *path.parents) if one.is_symlink() and not one.exists()), None)
    if dangling:
        return f"{dangling} is a link to {os.readlink(dangling)}, which is not there: make that folder, or remove the link"
    if error.errno in STANDS_THERE:
        file = next((one for one in (path, *path.parents) if one.is_file()), None)
        said = f"{file} is a file where a folder has to be" if file else f"{path} is a folder where a file has to be"
        return f"{said}; move it away, then run the same command again"
    if error.errno in READ_ONLY:
        return "this folder has to be writable for you; mend that, then run the same command again"
    return "what was saved before is whole. Look at that disk or folder, then run the same command again"
