#!/usr/bin/env bash
# Experiment own_script with profile smoke: A script of one's own: adding two numbers
#
# Calls the training program directly, with exactly the words that expc would start it with; nothing of expc is needed here.
#
# What is missing, compared with generated/train_own_script.smoke.sh:
#   no checks before the start, no record of machine, commit and files
#   no journal of figures, no log file: what the program prints goes to this terminal only
#   nobody who watches for what the spec's guards say:
#     loss is not finite -> stop
#   no going on from the newest checkpoint by itself, and nobody who ends what the program leaves behind
#   no evaluation, comparison, verdicts or documents; exit codes are the program's own
#
# Usage: bash generated/train_own_script.smoke.standalone.sh [OPTION]...
#
#   --resume FILE   go on from this checkpoint
#   --dry-run   print the command instead of running it
#   --help      print this text
#
# Works from any directory. Python is EXPC_PYTHON, else the workspace's .venv, else the python3 of PATH.
#
# Written by `expc build --profile smoke`, which overwrites changes.
# Snapshot 0e77778854f562a9ebcc346867cb7f9b2380b8a36b996a8cc648ac47b55354dd

# What the spec says stays as it is, dollar signs in single quotes included.
# shellcheck disable=SC2016
set -euo pipefail

self=$(readlink -f "${BASH_SOURCE[0]}")
workspace=$(dirname "$(dirname "$self")")
run_folder=$workspace/runs/own_script.smoke

trap : PIPE  # a reader that has gone away changes nothing about how this ends; the program gets the signal as it was

# leave STATUS MESSAGE
leave() {
    printf '[%s] %s\n' own_script.smoke "$2" >&2 || true
    exit "$1"
}

# The text at the top of this file, without its comment signs
usage() {
    sed -n '2,/^$/s/^# \{0,1\}//p' "$self" || true
}

dry_run=''
checkpoint=''
while (( $# )); do
    case $1 in
        --resume)
            (( $# > 1 )) || leave 64 "--resume needs a checkpoint"
            checkpoint=$(readlink -f "$2")
            shift
            ;;
        --dry-run) dry_run=yes ;;
        -h | --help) usage; exit 0 ;;
        *) leave 64 "unknown argument $1; there are --resume, --dry-run and --help" ;;
    esac
    shift
done

python=${EXPC_PYTHON:-}
if [[ $python == */* && $python != /* ]]; then
    python=$PWD/$python
fi
if [[ -z $python && -x $workspace/.venv/bin/python ]]; then
    python=$workspace/.venv/bin/python
fi
python=${python:-python3}

cd "$workspace"
cd -- examples/addition || leave 69 "the program's directory is missing"
export OMP_NUM_THREADS=1

command=(
    "$python" train.py
    --batch-size 256
    --examples 2000
    --hidden 256 256
    --layer-norm
    --lr 0.002
    --out "$run_folder"/program
    --save-every 100
    --seed 7
    --steps 300
    --valid-every 50
)
if [[ -n $checkpoint ]]; then
    command+=(--resume "$checkpoint")
fi

if [[ -n $dry_run ]]; then
    printf 'cd %q\n' "$PWD"
    printf 'export OMP_NUM_THREADS=%q\n' "$OMP_NUM_THREADS"
    printf '%q ' "${command[@]}"
    printf '\n'
    exit 0
fi
mkdir -p "$run_folder"
exec "${command[@]}"
