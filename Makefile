# `make` alone lists the commands. The work is done by scripts/, which can be run without make.

.PHONY: help setup demo test check clean-runs

help:
	@echo "make demo         build, train, evaluate, compare and report four small models (FRESH=1: from the beginning)"
	@echo "make test         linters, type checker, test suite"
	@echo "make check        say whether generated/ is what the specs give"
	@echo "make setup        make the environment .venv (TORCH_INDEX=https://download.pytorch.org/whl/cpu: PyTorch for the CPU)"
	@echo "make clean-runs   delete the runs of the demo"

setup:
	@bash scripts/setup.sh

demo: setup
	@bash scripts/demo.sh

test: setup
	.venv/bin/python -m ruff check .
	.venv/bin/python -m mypy
	.venv/bin/python -m pytest -q

check: setup
	.venv/bin/expc build --check

clean-runs:
	rm -rf runs/d4_baseline.smoke runs/d8_depth.smoke runs/d6_wide.smoke runs/d8_depth_v2.smoke
