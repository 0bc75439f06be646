"""The model families that the compiler knows: name in, its torch-free knowledge out.

A family is registered here, in `contract/families` and in the runtime's table, each with one line.
"""

from __future__ import annotations

from types import ModuleType

from . import command, glyph_vae, gpt, meloformer, musicgen_lora, nanochat, timbre_restore

FAMILIES: dict[str, ModuleType] = {
    "gpt": gpt,
    "glyph_vae": glyph_vae,
    "meloformer": meloformer,
    "musicgen_lora": musicgen_lora,
    "timbre_restore": timbre_restore,
    "command": command,
    "nanochat": nanochat,
}


def family(name: str) -> ModuleType:
    """The family's module: config, groups, parameters, memory, FLOPs, metrics and indicator names.

    `LOGGED` is what its task logs after every update, `METRICS` what it measures at validations beside `valid_loss`,
    `EVALUATED` what its own evaluation measures in the end, where it has one instead of suites. `SPLITS_BATCH` says whether
    half the rows accumulated twice as often are the same update. `LOSS_UNIT` is what its losses are counted in, `COUNTED` the
    word (`units.<word>`) for what `sample_length` counts: tokens, frames. `chance_loss` and `flops_per_token` are None, and
    `memory` is empty, where nobody knows. A module may have `curves(config, steps)`, what else follows the step beside the
    rates, such as `weight_decay.<group>`, and `operations`, the FLOPs of a sample by module. Where `epoch_samples` knows how
    many there are, `EPOCH_KEY` is the key that says so.
    """
    return FAMILIES[name]
