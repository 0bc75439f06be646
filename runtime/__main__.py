"""`python -m expc.runtime`: what launchers call."""

from .cli import main

main()
