"""Looking at runs from outside, by what they leave in their folders: `status` lists them, `watch` follows one."""
