"""Whether the models of a family's demo have learned: exits with 1 where a promise of their specs was missed.

Usage: check_demo.py [FAMILY]. Reads what `make demo FAMILY=…` left in runs/: every expectation has to be met. Of the gpt
family, also: the losses of the models of six and eight layers lie below half the entropy of single tokens, and all four are
ranked. Of glyph_vae: none of its guards on z has fired.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from expc.runtime.snapshot import load
from expc.runtime.verdicts import verdicts

ROOT = Path(__file__).parents[1]
RUNS = {
    "gpt": ("d4_baseline.smoke", "d8_depth.smoke", "d6_wide.smoke", "d8_depth_v2.smoke"),
    "nanochat": ("nanochat_d8.smoke", "nanochat_d8_v2.smoke"),
    "timbre_restore": ("timbre_restore.smoke",),
    "glyph_vae": ("glyph_vae.smoke",),
    "meloformer": ("meloformer_small.smoke",),
    "musicgen_lora": ("lora_run1.smoke", "lora_run2.smoke"),
}


def problems(family: str) -> Iterator[str]:
    """What is not as promised, one line each."""
    for run in RUNS[family]:
        loaded = load(ROOT / "runs" / run)
        found = verdicts(loaded.experiment, loaded.workspace)
        if not found:
            yield f"{run} promises nothing"
        for one in found:
            print(f"{run}: {one.expectation.metric} {one.measured}: {one.outcome}")
            if one.outcome != "met":
                yield f"{run}: {one.expectation.metric} is {one.outcome} ({one.measured})"
    if family == "gpt":
        yield from _alphatex()
    if family == "glyph_vae":
        yield from _unheard()


def _unheard() -> Iterator[str]:
    for run in RUNS["glyph_vae"]:
        fired = json.loads((ROOT / "runs" / run / "record.json").read_text(encoding="utf-8")).get("guards") or []
        print(f"{run}: guards fired {len(fired)} times")
        for one in fired:
            yield f"{run}: guard {one['guard']} fired at step {one['step']}"


def _alphatex() -> Iterator[str]:
    for run in RUNS["gpt"]:
        record = json.loads((ROOT / "runs" / run / "record.json").read_text(encoding="utf-8"))
        loss, entropy = record["last_validation"]["valid_loss"], record["data"]["unigram_entropy"]
        print(f"{run}: validation loss {loss:.3f} nats, entropy of single tokens {entropy:.3f}")
        if run != "d4_baseline.smoke" and loss > entropy / 2:
            yield f"{run}: a loss of {loss:.3f} is not well below {entropy:.3f}"
    compared = ROOT / "runs" / RUNS["gpt"][-1] / "enhanced_comparison_results.json"
    ranking = json.loads(compared.read_text(encoding="utf-8"))["ranking"]
    if set(ranking) != set(RUNS["gpt"]):
        yield f"only {', '.join(ranking)} are ranked"


if __name__ == "__main__":
    missed = list(problems(sys.argv[1] if len(sys.argv) > 1 else "gpt"))
    sys.exit("\n".join(missed) if missed else 0)
