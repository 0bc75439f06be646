#!/usr/bin/env bash
# Experiment program: A program
#
# Calls the training program directly, with exactly the words that expc would start it with; nothing of expc is needed here.
#
# What is missing, compared with generated/train_program.sh:
#   no checks before the start, no record of machine, commit and files
#   no journal of figures, no log file: what the program prints goes to this terminal only
#   nobody who watches for what the spec's guards say:
#     loss is not finite -> stop
#   no going on from the newest checkpoint by itself, and nobody who ends what the program leaves behind
#   no evaluation, comparison, verdicts or documents; exit codes are the program's own
#
# Usage: bash generated/train_program.standalone.sh [OPTION]...
#
#   --resume FILE   go on from this checkpoint
#   --dry-run   print the command instead of running it
#   --help      print this text
#
# Works from any directory. Python is EXPC_PYTHON, else the workspace's .venv, else the python3 of PATH.
#
# Written by `expc build`, which overwrites changes.
# Snapshot 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef

# What the spec says stays as it is, dollar signs in single quotes included.
# shellcheck disable=SC2016
set -euo pipefail

self=$(readlink -f "${BASH_SOURCE[0]}")
workspace=$(dirname "$(dirname "$self")")
run_folder=$workspace/runs/program

trap : PIPE  # a reader that has gone away changes nothing about how this ends; the program gets the signal as it was

# leave STATUS MESSAGE
leave() {
    printf '[%s] %s\n' program "$2" >&2 || true
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
cd -- 'their project' || leave 69 "the program's directory is missing"
[[ -n ${HF_TOKEN:-} ]] || leave 69 'set HF_TOKEN in the environment: the program needs it'
export OMP_NUM_THREADS=1

command=(
    "$python" train.py
    --lr 0.0003
    --out "$run_folder"'/own files'
    --save-every 10
    --steps 40
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
