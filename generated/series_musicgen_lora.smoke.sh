#!/usr/bin/env bash
# Series: Four LoRA trainings, and what changed between them
#
# Starts these runs, one after another; the first that does not succeed ends the series:
#
#   lora_run1.smoke
#   lora_run2.smoke
#   lora_run3.smoke
#   lora_run4_stage1.smoke
#   lora_run4_stage2.smoke
#
# Usage: bash generated/series_musicgen_lora.smoke.sh [OPTION]...
#
# Options are handed to each run's own launcher, which can be started alone as well. A run that is finished already is
# found so, and the same command again goes on where the series was interrupted.
#
# Exit code: that of the launcher that did not succeed, else 0.
#
# Written by `expc build --profile smoke`, which overwrites changes.

set -euo pipefail

folder=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
child=''
signals=0
pass_on() {
    signals=$((signals + 1))
    [[ -z $child ]] || kill -s TERM "$child" 2>/dev/null || true
}
trap pass_on INT TERM HUP USR1
trap : PIPE  # a reader that has gone away changes nothing about how this ends

# start LAUNCHER OPTION...: runs it to its end. A signal ends `wait` early: then it waits again.
start() {
    local status=0 seen=none
    (( signals == 0 )) || exit 75
    set -m
    bash "$folder/$1" "${@:2}" </dev/null &
    child=$!
    set +m
    while [[ $seen != "$signals" ]]; do
        seen=$signals
        status=0
        wait "$child" || status=$?
    done
    child=''
    if (( status != 0 )); then
        printf '%s\n' "$1 ended with exit code $status, and the series with it" >&2 || true
        exit "$status"
    fi
}

start train_lora_run1.smoke.sh "$@"
start train_lora_run2.smoke.sh "$@"
start train_lora_run3.smoke.sh "$@"
start train_lora_run4_stage1.smoke.sh "$@"
start train_lora_run4_stage2.smoke.sh "$@"
