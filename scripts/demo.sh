#!/usr/bin/env bash
# The four alphaTex models at smoke size: builds their specs, trains, evaluates, compares and reports them, one after the
# other, and ends with the ranking and the path of the report. A few minutes on two cores.
#
# Usage: bash scripts/demo.sh       (or: make demo)
#
#   FRESH=1   forget earlier runs of the demo; without it, a finished run is kept and an interrupted one goes on

set -euo pipefail

cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
specs=(specs/d4_baseline.yaml specs/d8_depth.yaml specs/d6_wide.yaml specs/d8_v2.yaml)
runs=(d4_baseline.smoke d8_depth.smoke d6_wide.smoke d8_depth_v2.smoke)
launchers=(train_d4_baseline train_d8_depth train_d6_wide resume_d8_depth_5k_to_20k)

say() {
    printf '\n%s\n' "$*"
}

# A run is finished when its last stage ended well with the snapshot that it would be run with now.
is_finished() {
    .venv/bin/python - "runs/$1/record.json" "generated/$1/snapshot.json" <<'PYTHON'
import json, sys
try:
    record, snapshot = (json.load(open(path, encoding="utf-8")) for path in sys.argv[1:])
except (OSError, ValueError):
    sys.exit(1)
done = record.get("stages", {}).get("report", {}).get("outcome") == "done" and record.get("outcome") == "done"
sys.exit(not (done and record.get("snapshot_sha256") == snapshot["snapshot_sha256"]))
PYTHON
}

if [[ -n ${FRESH:-} ]]; then
    for run in "${runs[@]}"; do
        rm -rf "runs/$run"
    done
fi

.venv/bin/expc build "${specs[@]}" --profile smoke

for i in "${!runs[@]}"; do
    say "$((i + 1)) of ${#runs[@]}: ${runs[i]} ($SECONDS s)"
    if is_finished "${runs[i]}"; then
        echo "finished earlier, kept; make demo FRESH=1 runs it again"
    else
        bash "generated/${launchers[i]}.smoke.sh"
    fi
done

say "All four are done after $SECONDS s."
.venv/bin/expc compare d8_depth_v2.smoke
say "The report: $PWD/runs/d8_depth_v2.smoke/EXPERIMENT_D8_DEPTH_V2_RESULTS.md"
