"""Executes a snapshot: prepares, trains, evaluates, compares, reports. The only place that imports torch."""

import os

# Threads that wait for one another must not spin: with fewer free cores than threads, a step that takes 0.2 s takes seconds.
# OpenMP reads this when torch is loaded, so it has to be said before.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
