"""The families' frozen configurations, by the name that a spec's `model.family` says."""

from __future__ import annotations

from . import command, glyph_vae, gpt, meloformer, musicgen_lora, nanochat, timbre_restore

CONFIGS: dict[str, type] = {
    "gpt": gpt.Config,
    "glyph_vae": glyph_vae.Config,
    "meloformer": meloformer.Config,
    "musicgen_lora": musicgen_lora.Config,
    "timbre_restore": timbre_restore.Config,
    "command": command.Config,
    "nanochat": nanochat.Config,
}
