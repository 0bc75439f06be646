"""Music as tokens: MIDI files or generated pieces in, HID tokens out, and back. `docs/meloformer.md` describes the encoding."""
