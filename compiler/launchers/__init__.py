TARGETS = {"bash": None, "tmux": None}
