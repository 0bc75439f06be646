"""Executes a snapshot: prepare, train, evaluate, compare, report. The only package that imports torch."""
