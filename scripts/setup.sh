#!/usr/bin/env bash
# Makes the environment .venv of this folder: Python, what constraints.txt names, expc itself, links for editors.
#
# Usage: bash scripts/setup.sh       (or: make setup)
#
#   PYTHON=…        the Python to make .venv with; default: the first of python3, python3.13, … that is 3.11 or newer
#   TORCH_INDEX=…   the package index to take PyTorch from, such as https://download.pytorch.org/whl/cpu
#
# Quick where nothing has changed. Where pip would fetch PyTorch's CUDA build onto a machine without a GPU, it stops
# before the download and says how to get the CPU build.

set -euo pipefail

cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
python=.venv/bin/python
stamp=.venv/expc-setup

say() {
    printf '%s\n' "$*" >&2
}

# 3.11 or newer, and able to make an environment with pip in it
is_suitable() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11; do
        if is_suitable "$candidate"; then
            printf '%s' "$candidate"
            return
        fi
    done
    say "expc needs Python 3.11 or newer with its venv module, and found none. On Debian and Ubuntu:"
    say "    sudo apt-get install python3 python3-venv"
    say "or name one: make setup PYTHON=/path/to/python3.12"
    return 1
}

# What the environment was made of: it is up to date while this stays the same.
state() {
    printf '%s\n' "$PWD"
    cksum pyproject.toml constraints.txt scripts/setup.sh
}

install() {
    "$python" -m pip install --disable-pip-version-check --no-input "$@"
}

has_gpu() {
    nvidia-smi -L >/dev/null 2>&1
}

pinned_torch() {
    sed -n 's/^torch==//p' constraints.txt
}

installed_torch() {
    "$python" -c 'from importlib.metadata import version; print(version("torch").partition("+")[0])' 2>/dev/null || true
}

# The build that pip would choose, such as 2.13.0+cpu: the first of those of the pinned version, newest first
offered_torch() {
    "$python" -m pip index versions torch 2>/dev/null |
        sed -n 's/^Available versions: //p' | tr -s ', ' '\n' | grep -m 1 -E "^$1(\+.*)?\$" || true
}

refuse_cuda_build() {
    say ""
    say "There is no GPU on this machine, and the PyTorch that pip finds ($1) is the CUDA build: gigabytes without use here."
    say "Nothing was downloaded. For the CPU build:"
    say ""
    say "    make setup TORCH_INDEX=https://download.pytorch.org/whl/cpu"
    say ""
    say "(make demo and make test take TORCH_INDEX too; https://pypi.org/simple there takes the CUDA build all the same.)"
    exit 1
}

# PyTorch first and without its dependencies: which build it is decides what else is needed.
install_torch() {
    local pinned offered
    pinned=$(pinned_torch)
    [[ $(installed_torch) != "$pinned" ]] || return 0
    if [[ -n ${TORCH_INDEX:-} ]]; then
        install --no-deps --index-url "$TORCH_INDEX" "torch==$pinned"
        return
    fi
    offered=$(offered_torch "$pinned")
    if [[ $(uname -s) == Linux && $offered != *+cpu ]] && ! has_gpu; then
        refuse_cuda_build "${offered:-$pinned}"
    fi
    install --no-deps "torch==${offered:-$pinned}"
}

# Type checkers and editors do not run the import hook of an editable installation: links show them the same packages.
link_packages() {
    local folder name
    folder=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/expc
    mkdir -p "$folder"
    for name in compiler runtime templates; do
        ln -sfn "$PWD/$name" "$folder/$name"
    done
}

# pip compiles what it installs, but not an editable installation; where PYTHONDONTWRITEBYTECODE is set, nobody else would.
# One build in which nothing is written compiles modules and templates; what it says of generated/ is `make check`'s business.
compile_packages() {
    PYTHONDONTWRITEBYTECODE='' .venv/bin/expc build --check >/dev/null 2>&1 || true
}

if [[ -x $python && -f $stamp && $(cat "$stamp") == "$(state)" ]]; then
    exit 0
fi
if ! is_suitable "$python"; then
    chosen=$(find_python)
    say "making .venv with $("$chosen" --version)"
    "$chosen" -m venv --clear .venv
fi
install_torch
install --constraint constraints.txt --editable '.[test]'
link_packages
compile_packages
state >"$stamp"
say "the environment is ready: .venv/bin/expc --help"
