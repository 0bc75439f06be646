"""Which tokens may follow which: token ids in, for each of them whether the encoding allows it where it stands.

Beyond the order of kinds, values are held to what the encoding writes: instruments ascend within a bar, times within an
instrument and inside the bar, pitches among notes that begin together. After a token that is not allowed, reading goes on
from that token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .encoding import COMMON_TIME
from .vocabulary import BEGIN, END, bar_length, meaning

_BAR_ENDS = ("chord", "instrument", "end")
FOLLOWS = {
    "begin": ("chord",), "chord": ("signature", "tempo", *_BAR_ENDS), "signature": ("tempo", *_BAR_ENDS), "tempo": _BAR_ENDS,
    "instrument": ("time",), "time": ("pitch",), "pitch": ("length",), "length": ("velocity",),
    "velocity": ("time", "pitch", *_BAR_ENDS), "end": (), "pad": (),
}


@dataclass
class Reader:
    """Where a piece stands: the kind before, and the last instrument, time and pitch that the next has to exceed."""

    before: str = "begin"
    signature: int = COMMON_TIME
    instrument: int = -1
    time: int = -1
    pitch: int = -1

    def allows(self, token_id: int) -> bool:
        """Whether the token may stand next; it is taken either way."""
        kind, value = meaning(token_id)
        if kind == "special":
            kind = {BEGIN: "begin", END: "end"}.get(value, "pad")
        allowed = kind in FOLLOWS[self.before] and self._fits(kind, value)
        self._take(kind, value)
        return allowed

    def _fits(self, kind: str, value: int) -> bool:
        if kind == "time":
            return self.time < value < bar_length(self.signature)
        return {"instrument": self.instrument, "pitch": self.pitch}.get(kind, -1) < value

    def _take(self, kind: str, value: int) -> None:
        if kind == "chord":
            self.instrument = -1
        if kind == "signature":
            self.signature = value
        if kind == "instrument":
            self.instrument, self.time = value, -1
        if kind == "time":
            self.time, self.pitch = value, -1
        if kind == "pitch":
            self.pitch = value
        self.before = kind


def allowed(ids: Sequence[int]) -> list[bool]:
    """Of the tokens behind a BEGIN, whether each may stand where it does."""
    reader = Reader()
    return [reader.allows(token_id) for token_id in ids]
