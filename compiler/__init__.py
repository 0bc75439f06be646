"""Compiles specs: YAML in; snapshots, launchers and design documents out. Imports no torch, reads no clock."""
