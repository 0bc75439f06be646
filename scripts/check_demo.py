"""Whether the demo's four models have learned: exits with 1 where a promise of their specs was missed.

Reads what `make demo` left in runs/: every expectation has to be met, the losses of the models of six and eight layers have
to lie below half the entropy of single tokens, and the ranking has to hold all four.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from expc.runtime.snapshot import load
from expc.runtime.verdicts import verdicts

ROOT = Path(__file__).parents[1]
RUNS = ("d4_baseline.smoke", "d8_depth.smoke", "d6_wide.smoke", "d8_depth_v2.smoke")


def problems() -> list[str]:
    """What is not as promised, one line each."""
    found = []
    for run in RUNS:
        loaded = load(ROOT / "runs" / run)
        for one in verdicts(loaded.experiment, loaded.workspace):
            if one.outcome != "met":
                found.append(f"{run}: {one.expectation.metric} is {one.outcome} ({one.measured})")
        record = json.loads((ROOT / "runs" / run / "record.json").read_text(encoding="utf-8"))
        loss, entropy = record["last_validation"]["valid_loss"], record["data"]["unigram_entropy"]
        print(f"{run}: validation loss {loss:.3f} nats, entropy of single tokens {entropy:.3f}")
        if run != "d4_baseline.smoke" and loss > entropy / 2:
            found.append(f"{run}: a loss of {loss:.3f} is not well below {entropy:.3f}")
    ranking = json.loads((ROOT / "runs" / RUNS[-1] / "enhanced_comparison_results.json").read_text(encoding="utf-8"))["ranking"]
    return found if set(ranking) == set(RUNS) else [*found, f"only {', '.join(ranking)} are ranked"]


if __name__ == "__main__":
    missed = problems()
    sys.exit("\n".join(missed) if missed else 0)
