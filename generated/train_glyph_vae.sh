#!/usr/bin/env bash
# Experiment glyph_vae: A VAE of vector glyphs
#
# Does what generated/glyph_vae/snapshot.json describes, stage by stage:
#
#   preflight   says what is missing before anything starts
#   prepare     makes the training data
#   train       trains from step 0 to 93,750
#   evaluate    measures chamfer, raster_iou, command_accuracy, closed_contours
#   report      writes the results document
#
# Usage: bash generated/train_glyph_vae.sh [OPTION]...
#
#   --from STAGE   begin with this stage
#   --only STAGE   run this stage alone
#   --skip STAGE   leave this stage out; may be repeated
#   --dry-run      print the commands instead of running them
#   --help         print this text
#
# Works from any directory, with no environment activated: Python is EXPC_PYTHON, else the workspace's .venv, else the
# python3 of PATH. Ctrl-C saves a checkpoint, and the same command again goes on from the newest one.
# Everything that it makes goes to runs/glyph_vae/.
#
# Exit code: 0 done, 1 failed, 3 stopped by a guard, 64 wrong arguments or not the snapshot that this was built for,
# 69 something is missing, 75 interrupted: run it again.
#
# Written by `expc build`, which overwrites changes.

set -euo pipefail

run=glyph_vae
snapshot=generated/glyph_vae/snapshot.json
snapshot_sha256=1aadcda39bbc4dfdd558d740337b8180ad9ae50aafd17e79cf0cefa9785457df
build='expc build'
events=runs/glyph_vae/events.jsonl
stages=(preflight prepare train evaluate report)

launcher=$(readlink -f "${BASH_SOURCE[0]}")
workspace=$(dirname "$(dirname "$launcher")")
invocation=(bash "$0" "$@")

# A terminal or a reader that has gone away changes nothing about how this ends.
trap : PIPE
say() {
    printf '%s\n' "$*" >&2 || true
}

quoted() {
    local line
    printf -v line '%q ' "$@"
    printf '%s' "${line% }"
}

# leave STATUS MESSAGE: the one way out before the end
leave() {
    say "[$run] $2"
    exit "$1"
}

# The text at the top of this file, without its comment signs
usage() {
    sed -n '2,/^$/s/^# \{0,1\}//p' "$launcher" || true
}

misused() {
    usage >&2
    leave 64 "$1"
}


# Arguments

need_stage() {
    local stage
    (( $# > 1 )) || misused "$1 needs a stage: ${stages[*]}"
    for stage in "${stages[@]}"; do
        [[ $stage != "$2" ]] || return 0
    done
    misused "there is no stage $(quoted "$2"); the stages are ${stages[*]}"
}

first=${stages[0]}
only=''
skipped=' '
dry_run=''
while (( $# )); do
    case $1 in
        --from) need_stage "$@"; first=$2; shift ;;
        --only) need_stage "$@"; only=$2; shift ;;
        --skip) need_stage "$@"; skipped+="$2 "; shift ;;
        --dry-run) dry_run=yes ;;
        -h | --help) usage; exit 0 ;;
        *) misused "unknown argument $(quoted "$1")" ;;
    esac
    shift
done

selected=' '
begun=''
for name in "${stages[@]}"; do
    [[ $name != "$first" ]] || begun=yes
    if [[ -n $begun && $skipped != *" $name "* && ( -z $only || $name == "$only" ) ]]; then
        selected+="$name "
    fi
done
[[ $selected != ' ' ]] || misused "these arguments leave no stage to run"


# Python, settings, snapshot

python=${EXPC_PYTHON:-}
if [[ $python == */* && $python != /* ]]; then
    python=$PWD/$python
fi
cd "$workspace"
if [[ -z $python && -x .venv/bin/python ]]; then
    python=.venv/bin/python
fi
python=${python:-python3}

# No module in the current directory may stand in for one that is installed.
settings=(PYTHONSAFEPATH=1)
# Buffers of changing size otherwise cut the GPU's memory into pieces too small to use.
settings+=("PYTORCH_ALLOC_CONF=${PYTORCH_ALLOC_CONF:-expandable_segments:True}")
export "${settings[@]}"

"$python" -c 'import expc.runtime' 2>/dev/null ||
    leave 69 "$(quoted "$python") has no expc.runtime; install expc there (in its own folder: make setup) or name another in EXPC_PYTHON"
[[ -f $snapshot ]] ||
    leave 69 "$snapshot is missing; run: $build"
grep -q "^  \"snapshot_sha256\": \"$snapshot_sha256\"" "$snapshot" ||
    leave 64 "$snapshot is not the one that this was built for: a build was cut short, or it was edited; run: $build"


# Running a stage

child=''
signals=0
pass_on() {
    signals=$((signals + 1))
    [[ -z $child ]] || kill -s "$1" "$child" 2>/dev/null || true
}
trap 'pass_on INT' INT
trap 'pass_on TERM' TERM HUP USR1

# attempt COMMAND...: runs it and sets `status` to its exit code. The command gets a process group of its own, so that
# Ctrl-C reaches it once, through the traps above. A signal ends `wait` early: then it waits again.
attempt() {
    local seen=none
    set -m
    "$@" </dev/null &
    child=$!
    set +m
    (( signals == 0 )) || kill -s TERM "$child" 2>/dev/null || true
    while [[ $seen != "$signals" ]]; do
        seen=$signals
        status=0
        wait "$child" || status=$?
    done
    child=''
}

# torchrun ends with 1 whatever its processes ended with; what they wrote into the run's record tells more, and where they
# had to leave before there was one of theirs, the exit code that they left in EXPC_EXIT_CODE.
record=runs/glyph_vae/record.json

attempt_ranks() {
    local before
    before=$(cat "$record" 2>/dev/null || true)
    EXPC_EXIT_CODE=$(mktemp)
    export EXPC_EXIT_CODE
    attempt "$@"
    if (( status == 0 )); then
        :
    elif [[ $(cat "$record" 2>/dev/null || true) != "$before" ]]; then
        status=$(recorded_status)
    elif [[ -s $EXPC_EXIT_CODE ]]; then
        status=$(cat "$EXPC_EXIT_CODE")
    fi
    rm -f "$EXPC_EXIT_CODE"
}

# A rank that fails makes torchrun interrupt the others: an interruption counts only where it came through here.
recorded_status() {
    local outcome
    outcome=$("$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))["stages"]["train"]["outcome"])' "$record")
    case $outcome in
        interrupted) echo $(( signals > 0 ? 75 : 1 )) ;;
        stopped) echo 3 ;;
        misused) echo 64 ;;
        missing) echo 69 ;;
        *) echo 1 ;;
    esac
}

# stage NAME COMMAND...: runs the command, unless the arguments leave this stage out; ends here when it does not succeed
stage() {
    local name=$1
    shift
    [[ $selected == *" $name "* ]] || return 0
    if [[ -n $dry_run ]]; then
        printf '%s\n' "$(quoted "$@")"
        return
    fi
    (( signals == 0 )) || leave 75 "stopped before $name; to go on: $(quoted "${invocation[@]}")"
    if [[ $name == train ]]; then attempt_ranks "$@"; else attempt "$@"; fi
    if (( status == 0 )); then
        return
    elif (( signals > 0 || status == 75 )); then
        leave "$status" "$name was interrupted; to go on: $(quoted "${invocation[@]}")"
    elif (( status == 3 )); then
        leave "$status" "$name was stopped by a guard: see what it says above, and $events"
    else
        leave "$status" "$name ended with exit code $status; once that is mended: $(quoted "${invocation[@]}")"
    fi
}


# The stages

if [[ -n $dry_run ]]; then
    printf 'cd %s\n' "$(quoted "$PWD")"
    printf 'export %s\n' "$(quoted "${settings[@]}")"
fi

stage preflight "$python" -m expc.runtime run generated/glyph_vae/snapshot.json --stage preflight
stage prepare "$python" -m expc.runtime run generated/glyph_vae/snapshot.json --stage prepare
stage train "$python" -m torch.distributed.run --standalone --nproc_per_node=4 \
    -m expc.runtime run generated/glyph_vae/snapshot.json --stage train
stage evaluate "$python" -m expc.runtime run generated/glyph_vae/snapshot.json --stage evaluate
stage report "$python" -m expc.runtime run generated/glyph_vae/snapshot.json --stage report
