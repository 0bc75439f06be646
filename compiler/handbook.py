"""Every diagnostic that the compiler has, by code: those of reading and shape, and what the checks bring along."""

from __future__ import annotations

from .checks import CHECKS
from .codes import CODES
from .codes.acknowledgements import ACKNOWLEDGEMENTS
from .codes.entry import Code
from .codes.experiments import EXPERIMENTS
from .codes.phases import PHASES

HANDBOOK: dict[str, Code] = CODES | {one.code: one for one in (*EXPERIMENTS, *PHASES, *ACKNOWLEDGEMENTS)} | {
    one.code: one for check in CHECKS for one in check.CODES}
