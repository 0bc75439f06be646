"""What nanochat's `base_train.py` takes and does, by range of revisions: a commit's day in, its `Revision` out.

Read from the repository's whole history up to commit 92d63d4 (2026-07-03). Each row holds from its day on until the next
one; within a day that a change was made on, only the checkout itself tells, and the preflight asks it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from .record import dataclass

SEEN = "92d63d4e8bb4df75c3b71618f31ddde2378b2bcd"
"""The newest commit that the table was read from."""
LAST = "2026-07-03"
"""Its day."""
REFERENCE_TOKENS = 2**19
REFERENCE_DIM = 768
PADDING = 64
"""The vocabulary is padded to a multiple of this."""


@dataclass(frozen=True)
class Revision:
    """One range of revisions, from the day `since` (a commit's date) on."""

    since: str
    flags: frozenset[str]
    """All that the command line takes, with underscores."""
    dashes: bool
    """Whether flags are spelled with dashes."""
    batch_scaled: bool
    """Whether rates follow the square root of the batch."""
    value_embeddings: bool
    gate_channels: int
    """Inputs of the gate that each value embedding has."""
    value_share: float
    """The value embeddings' rate as a share of the token embedding's."""
    smear: bool
    """Whether there is a group of smear and backout parameters."""
    decay_by_horizon: bool
    """Whether the decay follows batch and compute-optimal horizon; else the square of 12 / depth."""
    decay_law: Literal["linear", "cosine"]
    """How the matrices' decay falls to zero over all steps."""
    adamw_decay: tuple[float, ...]
    """Decay of head, token embedding, value embeddings and residual scalars."""
    one_optimizer: bool
    """Whether the state of all groups is one file's `param_groups`, in the order of `groups`."""
    chooses_precision: bool
    """Whether NANOCHAT_DTYPE is read; before, a GPU always computed in bf16."""
    data_folder: str

    @property
    def groups(self) -> tuple[str, ...]:
        """The AdamW groups in the order of the optimizer's state; all groups after them are Muon's."""
        values = ("value_embeddings",) if self.value_embeddings else ()
        return ("unembedding", "embedding", *values, "residual_scalars", "input_scalars", *(("smear",) if self.smear else ()))

    @property
    def warmup(self) -> str:
        """The flag of the warmup."""
        return "warmup_steps" if "warmup_steps" in self.flags else "warmup_ratio"

    def spelled(self, name: str) -> str:
        """A flag as the command line has it."""
        return "--" + (name.replace("_", "-") if self.dashes else name)


_FLAGS = frozenset("""
    run device_type depth aspect_ratio head_dim max_seq_len window_pattern num_iterations target_flops
    target_param_data_ratio device_batch_size total_batch_size embedding_lr unembedding_lr weight_decay matrix_lr scalar_lr
    adam_beta1 adam_beta2 warmup_ratio warmdown_ratio final_lr_frac resume_from_step eval_every eval_tokens
    core_metric_every core_metric_max_per_task sample_every save_every model_tag
""".split())
_FIRST = Revision("2026-01-12", _FLAGS, dashes=False, batch_scaled=False, value_embeddings=False, gate_channels=0,
                  value_share=1.0, smear=False, decay_by_horizon=False, decay_law="linear",
                  adamw_decay=(0.0, 0.0, 0.0, 0.0), one_optimizer=False, chooses_precision=False, data_folder="base_data")
_CHANGES: tuple[tuple[str, dict[str, object]], ...] = (
    ("2026-01-13", {"dashes": True}),
    ("2026-01-15", {"batch_scaled": True}),
    ("2026-01-17", {"value_embeddings": True, "gate_channels": 32}),
    ("2026-01-29", {"one_optimizer": True}),
    ("2026-02-03", {"flags": _FLAGS | {"fp8", "fp8_recipe"}}),
    ("2026-02-06", {"decay_by_horizon": True}),
    ("2026-03-04", {"chooses_precision": True, "data_folder": "base_data_climbmix"}),
    ("2026-03-09", {"flags": _FLAGS - {"adam_beta1", "adam_beta2", "warmup_ratio"} | {"fp8", "fp8_recipe", "warmup_steps"},
                    "gate_channels": 12, "value_share": 0.5, "decay_law": "cosine", "adamw_decay": (0.01, 0.001, 0.01, 0.05)}),
    ("2026-03-14", {"smear": True}),
)


def _rows() -> tuple[Revision, ...]:
    rows = [_FIRST]
    for since, changed in _CHANGES:
        rows.append(replace(rows[-1], since=since, **changed))  # type: ignore[arg-type]
    return tuple(rows)


REVISIONS = _rows()


def revision(date: str) -> Revision:
    """The row of a commit's day (YYYY-MM-DD); for a day before the first row that one, which a check refuses."""
    return next((row for row in reversed(REVISIONS) if row.since <= date), REVISIONS[0])
