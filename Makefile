# `make` alone lists the commands. The work is done by scripts/, which can be run without make.

.PHONY: help setup demo test fuzz check soak clean-runs

help:
	@echo "make demo         build, train, evaluate, compare and report four small models (FRESH=1: from the beginning)"
	@echo "make demo FAMILY=glyph_vae   the same for the smoke run of another model family"
	@echo "make test         linters, type checker, test suite"
	@echo "make fuzz         attack the compiler with mutants of the shipped specs (SECONDS=3600: for an hour; SEED=7: others)"
	@echo "make check        say whether generated/ is what the specs give"
	@echo "make soak         kill and resume runs (KILLS=500, LOSSES=100 power losses) and compare them with undisturbed ones"
	@echo "make setup        make the environment .venv (TORCH_INDEX=https://download.pytorch.org/whl/cpu: PyTorch for the CPU)"
	@echo "make clean-runs   delete the runs of the demo"

setup:
	@bash scripts/setup.sh

demo: setup
	@bash scripts/demo.sh $(FAMILY)

test: setup
	.venv/bin/python -m ruff check .
	.venv/bin/python -m mypy
	.venv/bin/python -m pytest -q -n 2

fuzz: setup
	.venv/bin/python -m pytest -q tests/fuzz --fuzz-seconds $(or $(SECONDS),60) --fuzz-seed $(or $(SEED),0) -o timeout=0

check: setup
	.venv/bin/expc build --check

soak: setup
	.venv/bin/python -m benchmarks.soak --kills $(or $(KILLS),100) --losses $(or $(LOSSES),100)

clean-runs:
	rm -rf runs/d4_baseline.smoke runs/d8_depth.smoke runs/d6_wide.smoke runs/d8_depth_v2.smoke
