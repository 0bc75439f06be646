#!/usr/bin/env bash
# The models of one family at smoke size: builds their specs, trains, evaluates, compares and reports them, one after the
# other, and ends with the path of the last report. A few minutes on two cores.
#
# Usage: bash scripts/demo.sh [FAMILY]       (or: make demo FAMILY=…; without a family: gpt, the four alphaTex models)
#
#   FRESH=1   forget earlier runs of the demo; without it, a finished run is kept and an interrupted one goes on

set -euo pipefail

cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
family=${1:-gpt}

# Specs in the order of their runs; a run and its launcher are read from what the build writes.
declare -A specs=(
    [gpt]="d4_baseline d8_depth d6_wide d8_v2"
    [nanochat]="nanochat_d8 nanochat_d8_v2"
    [timbre_restore]="timbre_restore"
    [glyph_vae]="glyph_vae"
    [meloformer]="meloformer_small"
    [musicgen_lora]="musicgen_lora/run1_padded musicgen_lora/run2_masked"
)

if [[ -z ${specs[$family]:-} ]]; then
    echo "there is no demo of the family $family; there are: ${!specs[*]}" >&2
    exit 64
fi
read -ra names <<<"${specs[$family]}"

say() {
    printf '\n%s\n' "$*"
}

# planned SPEC: the run of a spec's smoke profile and its bash launcher, as the build recorded them
planned() {
    .venv/bin/python - "specs/$1.yaml" <<'PYTHON'
import json, sys
for run, build in json.load(open("generated/manifest.json", encoding="utf-8"))["runs"].items():
    if (build["spec"], build["profile"]) == (sys.argv[1], "smoke"):
        print(run, *(path for path in build["outputs"] if path.endswith(".smoke.sh")))
PYTHON
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

paths=("${names[@]/#/specs/}")
.venv/bin/expc build "${paths[@]/%/.yaml}" --profile smoke

number=0
for name in "${names[@]}"; do
    number=$((number + 1))
    read -r run launcher <<<"$(planned "$name")"
    if [[ -n ${FRESH:-} ]]; then
        rm -rf "runs/$run"
    fi
    say "$number of ${#names[@]}: $run ($SECONDS s)"
    if is_finished "$run"; then
        echo "finished earlier, kept; FRESH=1 runs it again"
    else
        bash "generated/$launcher"
    fi
done

say "Done after $SECONDS s."
if [[ $family == gpt ]]; then
    .venv/bin/expc compare "$run"
fi
reports=("runs/$run"/EXPERIMENT_*_RESULTS.md)
say "The report: $PWD/${reports[0]}"
