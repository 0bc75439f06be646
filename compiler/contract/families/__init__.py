"""The families' frozen configurations, by the name that a spec's `model.family` says."""

from __future__ import annotations

from . import gpt

CONFIGS: dict[str, type] = {"gpt": gpt.Config}
