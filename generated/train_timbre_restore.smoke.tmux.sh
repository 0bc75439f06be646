#!/usr/bin/env bash
# Experiment timbre_restore with profile smoke: Timbre restoration (a causal U-Net with a GAN)
#
# Runs generated/train_timbre_restore.smoke.sh in a detached tmux session, which goes on when
# this terminal is closed. Its panes show the training, how it goes (`expc watch`; none with EXPC_WATCH=0), and the GPU
# where nvidia-smi is there. The session ends with the training.
#
# Usage: bash generated/train_timbre_restore.smoke.tmux.sh [--wait] [OPTION]...
#
#   --wait      come back when the training has ended, with its exit code (Ctrl-C ends the waiting, not the training)
#   --dry-run   print the commands that the session would run
#   --help      print this text
#
# Every other option goes to generated/train_timbre_restore.smoke.sh; its --help lists them.
# What the training prints is kept in runs/timbre_restore.smoke/launcher.log, its exit code in runs/timbre_restore.smoke/exit_code.
#
# Exit code: 0 started, 64 wrong arguments, 69 something is missing, 73 the session is there already; with --wait also
# those of the training.
#
# Written by `expc build --profile smoke`, which overwrites changes.
# Snapshot 99cb03ee054acbb3b7b733e6bdbb4f1ff99f8f9f508c3a1020b347b3b43d5194

set -euo pipefail

trap : PIPE  # a reader that has gone away changes nothing about how this ends

session=timbre_restore_smoke
run=timbre_restore.smoke
run_folder=runs/timbre_restore.smoke

self=$(readlink -f "${BASH_SOURCE[0]}")
workspace=$(dirname "$(dirname "$self")")
launcher=$workspace/generated/train_timbre_restore.smoke.sh
log=$workspace/$run_folder/launcher.log
exit_code=$workspace/$run_folder/exit_code

# leave STATUS MESSAGE
leave() {
    printf '[%s] %s\n' "$session" "$2" >&2 || true
    exit "$1"
}

# The text at the top of this file, without its comment signs
usage() {
    sed -n '2,/^$/s/^# \{0,1\}//p' "$self" || true
}


# What the panes run: this file again, with the pane's name as first argument

training_pane() {
    trap : INT
    training "$@" 2>&1 | (trap '' INT TERM HUP; exec tee -a "$log") || true
    tmux kill-session -t "=$session"
}

# Outlives the signals that end the launcher and the loss of the terminal: the exit code must reach its file.
training() {
    local status=0
    trap : INT TERM HUP
    bash "$launcher" "$@" || status=$?
    printf '%s\n' "$status" >"$exit_code.new"
    mv "$exit_code.new" "$exit_code"
}

watch_pane() {
    local python
    python=${EXPC_PYTHON:-}
    if [[ $python == */* && $python != /* ]]; then
        python=$PWD/$python
    fi
    cd "$workspace"
    if [[ -z $python && -x .venv/bin/python ]]; then
        python=.venv/bin/python
    fi
    python=${python:-python3}
    exec env PYTHONSAFEPATH=1 "$python" -m expc.runtime watch --stay "$run"
}

case ${1:-} in
    training-pane) shift; training_pane "$@"; exit ;;
    watch-pane) watch_pane ;;
esac


# Arguments: what is not taken here stays in "$@" for the launcher

wait_for_end=''
dry_run=''
for argument in "$@"; do
    shift
    case $argument in
        --wait) wait_for_end=yes ;;
        --dry-run) dry_run=yes ;;
        -h | --help) usage; exit 0 ;;
        *) set -- "$@" "$argument" ;;
    esac
done
if [[ -n $dry_run ]]; then
    exec bash "$launcher" --dry-run "$@"
fi


# Start

command -v tmux >/dev/null || leave 69 "tmux is not installed; install it, or run: bash $launcher"

refuse_twice() {
    if tmux has-session -t "=$session" 2>/dev/null; then
        leave 73 "this session is there already; look at it: tmux attach -t $session; end it: tmux kill-session -t $session"
    fi
}
refuse_twice

# What is wrong with the arguments, the environment or the snapshot is said here, not in a pane that nobody looks at.
bash "$launcher" --dry-run "$@" >/dev/null || exit $?

# A tmux server that runs already has an environment of its own: these are taken along from here.
environment=()
for name in PATH EXPC_PYTHON CUDA_VISIBLE_DEVICES OMP_NUM_THREADS PYTORCH_ALLOC_CONF; do
    if [[ -n ${!name+set} ]]; then
        environment+=("$name=${!name}")
    fi
done

mkdir -p "$workspace/$run_folder"
rm -f "$exit_code"
started=$(tmux new-session -d -P -F '#{pane_id} #{pane_pid}' -s "$session" -x 200 -y 50 \
    env "${environment[@]}" bash "$self" training-pane "$@") || { refuse_twice; leave 1 "tmux could not start the session"; }
read -r pane process <<<"$started"

# The training may be over before its panes are there, or the window too small for them: then it does without.
if [[ ${EXPC_WATCH:-1} != 0 ]]; then
    tmux split-window -d -v -l 24 -t "$pane" env "${environment[@]}" bash "$self" watch-pane 2>/dev/null || true
fi
if command -v nvidia-smi >/dev/null; then
    tmux split-window -d -h -l 90 -t "$pane" nvidia-smi --loop=5 2>/dev/null || true
fi

cat <<MESSAGE
[$session] started in a tmux session of that name
  look at it:  tmux attach -t $session      (leave it with Ctrl-b d)
  end it:      tmux kill-session -t $session      (a checkpoint is saved; this command goes on from there)
  log:         $log
  exit code:   $exit_code, once it has ended
MESSAGE

[[ -n $wait_for_end ]] || exit 0

patience=60  # seconds that a training whose session was killed has to save its checkpoint
until [[ -s $exit_code ]] || (( patience == 0 )); do
    kill -0 "$process" 2>/dev/null || patience=$((patience - 1))
    sleep 1
done
[[ -s $exit_code ]] || leave 1 "the session ended without an exit code; see $log"
status=$(cat "$exit_code")
printf '[%s] ended with exit code %s\n' "$session" "$status" || true
exit "$status"
