"""TensorBoard: lines of the journal in, event files in `runs/<run>/tensorboard/` out.

`tensorboard --logdir runs` shows them, while the run goes on and afterwards. Numbers are written as they are in the journal,
in double precision.
"""

from __future__ import annotations

import time
from pathlib import Path

from . import Line, figures

FOLDER, FILES = "tensorboard", "events.out.tfevents.*"
NEVER = 1e9
"""Seconds between flushes of the writer's own."""


class EventFiles:
    """One event file, which holds the whole journal: those of earlier attempts go."""

    def __init__(self, folder: Path, again: bool) -> None:
        """`folder` is the run's; `again` says that the journal has been taken back since this process opened it first."""
        from tensorboard.compat.proto.event_pb2 import SessionLog
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        for path in (folder / FOLDER).glob(FILES):
            path.unlink()
        self._writer = EventFileWriter(str(folder / FOLDER), flush_secs=NEVER)
        self._write(0, session_log=SessionLog(status=SessionLog.START))  # a viewer that has read those forgets them

    def take(self, line: Line) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
        from tensorboard.compat.proto.tensor_pb2 import TensorProto
        from tensorboard.compat.proto.types_pb2 import DT_DOUBLE

        scalar = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="scalars"))
        self._write(line["step"], summary=Summary(value=[
            Summary.Value(tag=name, metadata=scalar, tensor=TensorProto(dtype=DT_DOUBLE, double_val=[value]))
            for name, value in figures(line).items()]))

    def _write(self, step: int, **content: object) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        self._writer.add_event(Event(wall_time=time.time(), step=step, **content))

    def flush(self) -> None:
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()
