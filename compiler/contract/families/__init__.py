"""The families' frozen configurations, by the name that a spec's `model.family` says."""

from __future__ import annotations

from . import command, gpt, nanochat

CONFIGS: dict[str, type] = {"command": command.Config, "gpt": gpt.Config, "nanochat": nanochat.Config}
