"""`python -m expc.runtime.trackers`: the process that feeds a tracker."""

from __future__ import annotations

from .feed import main

main()
