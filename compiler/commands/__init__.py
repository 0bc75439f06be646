"""What the commands do, one file each: plain arguments in, printed text and an exit code out. `cli` reads the command line."""
