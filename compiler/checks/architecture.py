"""Whether the attention heads divide the model's width into halves that rotary embedding can turn."""

from __future__ import annotations

from collections.abc import Iterator

from ..codes.entry import entry
from ..contract.families import gpt, meloformer
from ..diagnostics import Diagnostic
from .subject import Subject

CODES = (
    entry(
        "E301",
        "Heads do not divide the model's width",
        "Every attention head gets dim / heads channels, and rotary embedding turns them in pairs. So `heads` has to "
        "divide `dim`, and the width of a head has to be even.",
        wrong="model: {dim: 256, heads: 5}",
        right="model: {dim: 256, heads: 4}",
    ),
)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Heads against width."""
    if not isinstance(config := subject.experiment.training.config, (gpt.Config, meloformer.Config)):
        return
    model = config.model
    fitting = [heads for heads in range(1, model.dim + 1) if model.dim % (2 * heads) == 0]
    if model.heads not in fitting:
        near = sorted(sorted(fitting, key=lambda heads: abs(heads - model.heads))[:3])
        below = model.dim // (2 * model.heads) * 2 * model.heads
        wide = [str(dim) for dim in (below, below + 2 * model.heads) if dim]
        yield subject.finding(
            "E301", f"{model.heads} heads cannot share dim {model.dim}: each would get {model.dim / model.heads:g} channels",
            "model.heads", f"heads that fit: {', '.join(map(str, near))}" if near else
            f"no number of heads fits an odd dim; {model.heads} fit dim {' and '.join(wide)}", ["model.dim"])
