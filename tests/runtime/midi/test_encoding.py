"""Songs to tokens and files and back; what the grammar allows; chords; the generator."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import symusic
from hypothesis import given, settings
from hypothesis import strategies as st

from expc.compiler.contract.families.meloformer import KINDS, Model
from expc.runtime.midi import chords, encoding, files, grammar, synthetic
from expc.runtime.midi.song import Bar, Note, Song, in_order
from expc.runtime.midi.vocabulary import BEGIN, DRUMS, END, LENGTHS, SIGNATURES, TEMPOS, VELOCITIES, meaning, token

VOCABULARY = sum(KINDS.values())


@st.composite
def songs(draw: st.DrawFn) -> Song:
    """Up to six bars in any signatures and tempos, up to three instruments."""
    bars, start = [], 0
    for _ in range(draw(st.integers(1, 6))):
        bars.append(Bar(start, draw(st.integers(0, len(SIGNATURES) - 1)), draw(st.integers(0, len(TEMPOS) - 1))))
        start += bars[-1].length
    note = st.builds(Note, st.integers(0, start - 1), st.integers(0, 127), st.integers(0, len(LENGTHS) - 1),
                     st.integers(0, len(VELOCITIES) - 1))
    tracks = draw(st.dictionaries(st.integers(0, DRUMS), st.lists(note, min_size=1, max_size=8), max_size=3))
    return Song(tuple(bars), {instrument: in_order(notes) for instrument, notes in sorted(tracks.items())})


@given(songs())
def test_tokens_spell_the_song_and_the_grammar_allows_them(song: Song) -> None:
    ids = encoding.encode(song)
    assert ids[0] == BEGIN and ids[-1] == END and encoding.decode(ids) == song
    assert all(grammar.allowed(ids[1:]))


@settings(max_examples=50, deadline=None)
@given(songs().filter(lambda song: bool(song.tracks)))
def test_a_file_holds_the_song(song: Song) -> None:
    """But for bars behind the last note, and notes of one pitch that overlap, which MIDI cannot tell apart."""
    song = Song(song.bars, {instrument: _apart(notes) for instrument, notes in song.tracks.items()})
    with tempfile.TemporaryDirectory() as folder:
        files.write(song, Path(folder) / "song.mid")
        again = files.read(Path(folder) / "song.mid")
    assert again.tracks == song.tracks and again.bars == song.bars[: len(again.bars)]


def _apart(notes: tuple[Note, ...]) -> tuple[Note, ...]:
    kept = list[Note]()
    for note in notes:
        if all(one.pitch != note.pitch or one.start + one.duration <= note.start for one in kept):
            kept.append(note)
    return tuple(kept)


@given(st.lists(st.integers(0, VOCABULARY - 1), max_size=60))
def test_any_tokens_can_be_listened_to(ids: list[int]) -> None:
    song = encoding.decode(ids)
    assert all(note.start < song.bars[-1].start + song.bars[-1].length for notes in song.tracks.values() for note in notes)
    assert encoding.decode(encoding.encode(song)) == song and len(grammar.allowed(ids)) == len(ids)


def test_the_vocabulary_has_the_size_that_the_model_is_built_for() -> None:
    assert Model(1, 2, 1, 8, 1, 1e4, 0.0).vocabulary == VOCABULARY == 511
    assert {meaning(token(kind, count - 1)) for kind, count in KINDS.items()} == {(kind, n - 1) for kind, n in KINDS.items()}
    assert (len(LENGTHS), len(TEMPOS), len(VELOCITIES), len(SIGNATURES)) == tuple(
        KINDS[kind] for kind in ("length", "tempo", "velocity", "signature"))
    assert KINDS["chord"] == chords.NO_CHORD + 1 and KINDS["instrument"] == DRUMS + 1


@pytest.mark.parametrize(("wrong", "at"), [
    ([("time", 0)], 0), ([("chord", 0), ("pitch", 3)], 1), ([("chord", 0), ("instrument", 5), ("time", 48)], 2),
    ([("chord", 0), ("instrument", 5), ("time", 0), ("pitch", 60), ("length", 0), ("velocity", 0), ("pitch", 60)], 6),
    ([("chord", 0), ("instrument", 5), ("time", 0), ("pitch", 60), ("length", 0), ("velocity", 0), ("instrument", 4)], 6)])
def test_the_grammar_marks_the_token_that_is_out_of_place(wrong: list[tuple[str, int]], at: int) -> None:
    assert grammar.allowed([token(*one) for one in wrong]) == [place != at for place in range(len(wrong))]


@pytest.mark.parametrize(("pitches", "root", "quality"), [
    ((60, 64, 67), 0, "major"), ((57, 60, 64), 9, "minor"), ((62, 65, 68), 2, "diminished"), ((67, 71, 74, 77), 7, "seventh")])
def test_names_the_chord_that_sounds(pitches: tuple[int, ...], root: int, quality: str) -> None:
    found = chords.chord_of(Note(0, pitch, 11, 8) for pitch in pitches)
    assert (found % 12, list(chords.QUALITIES)[found // 12]) == (root, quality)
    assert chords.chord_of([]) == chords.NO_CHORD


def test_generated_pieces_are_their_own_and_the_same_again() -> None:
    pieces = [synthetic.generate(1, index) for index in range(20)]
    assert pieces == [synthetic.generate(1, index) for index in range(20)]
    assert len({str(piece) for piece in pieces}) == 20 and pieces[0] != synthetic.generate(2, 0)
    assert all(len(piece.tracks) == 4 and DRUMS in piece.tracks for piece in pieces)


def test_a_signature_that_the_encoding_lacks_is_refused_by_name(tmp_path: Path) -> None:
    score = symusic.Score(12)
    score.time_signatures.append(symusic.TimeSignature(0, 7, 8))
    track = symusic.Track("x", 0, False)
    track.notes.append(symusic.Note(0, 12, 60, 80))
    score.tracks.append(track)
    score.dump_midi(str(tmp_path / "seven.mid"))
    with pytest.raises(files.Unreadable, match="7/8"):
        files.read(tmp_path / "seven.mid")
