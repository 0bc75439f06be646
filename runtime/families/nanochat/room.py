"""What nanochat's checkpoints take on the disk: it keeps every one of them.

AdamW holds two moments for each parameter, in the parameter's own precision; Muon one and a factored second that is small.
On a GPU in bf16 the embeddings are kept in bf16, all other weights in fp32.
"""

from __future__ import annotations

from expc.compiler.contract.experiment import Experiment

EMBEDDINGS = ("token_embedding", "value_embeddings")
ADAMW = (*EMBEDDINGS, "head", "scalars")


def checkpoint_bytes(experiment: Experiment) -> int:
    """Bytes of model and optimizer state; the meta file's few thousand are left out."""
    narrow = experiment.training.precision == "bf16" and experiment.hardware.target != "cpu"
    total = 0
    for name, count in experiment.predictions.parameters.items():
        width = 2 if narrow and name in EMBEDDINGS else 4
        total += count * width * (3 if name in ADAMW else 2)
    return total


def checkpoints_left(experiment: Experiment, step: int | None) -> int:
    """How many it has still to write from its own checkpoint of a step on; at the beginning with the copy of a parent's."""
    training, every = experiment.training, experiment.checkpoint.every
    begun = training.start if step is None else step
    if begun >= training.steps:
        return 0
    return (training.steps - 1) // every - begun // every + 1 + (step is None and training.resume is not None)
