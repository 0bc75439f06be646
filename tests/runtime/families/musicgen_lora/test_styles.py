"""Generated clips at the sizes of the smoke runs: hardly two alike, and none of those held out is one of those trained on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from expc.compiler.contract.families.musicgen_lora import Config
from expc.compiler.pipeline import Session
from expc.runtime.families.musicgen_lora import codec, data, styles
from tests.compiler.test_claims import ROOT


@pytest.fixture(scope="module")
def smoke() -> Config:
    torch.set_num_threads(1)
    made = Session(ROOT, "smoke").compile(ROOT / "specs/musicgen_lora/run3_full.yaml").experiment
    assert made is not None and isinstance(made.training.config, Config)
    return made.training.config


@pytest.fixture(scope="module")
def fitted(smoke: Config) -> tuple[codec.Codec, set[bytes]]:
    """The smoke's codec, and the clips that it was fitted on."""
    seen: set[bytes] = set()

    def watched(sounds: list[np.ndarray], *options: Any) -> codec.Codec:
        seen.update(one.tobytes() for one in sounds)
        return codec.fit(sounds, *options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "codec", type("codec", (), {"fit": staticmethod(watched), "Codec": codec.Codec}))
        return data.fitted(smoke), seen


def test_no_two_clips_of_a_style_are_alike(smoke: Config) -> None:
    said = smoke.data
    count = data.SHOWN_CLIPS + data.SHOWN_HELD_OUT + said.clips + said.held_out
    for name in styles.STYLES:
        sounds = {styles.clip(name, said.seed, index, said.audio_seconds, said.sample_rate).tobytes() for index in range(count)}
        assert len(sounds) == count


def test_what_is_held_out_is_not_trained_on(smoke: Config, fitted: tuple[codec.Codec, set[bytes]]) -> None:
    """Neither as codes nor nearly so: no two share more than half of them."""
    made, _ = fitted
    parts = data.generated(smoke, made)
    trained, held_out = parts["train"][:, 1:], parts["valid"][:, 1:]
    assert len({one.tobytes() for one in np.concatenate([trained, held_out])}) == smoke.data.clips + smoke.data.held_out
    assert max(float((one == trained).mean(axis=(1, 2)).max()) for one in held_out) < 1 / 2
    for name in styles.SHOWN:
        codes = data.shown(smoke, name, made)
        trained, held_out = codes[: data.SHOWN_CLIPS], codes[data.SHOWN_CLIPS :]
        assert len(held_out) == data.SHOWN_HELD_OUT
        assert not {one.tobytes() for one in trained} & {one.tobytes() for one in held_out}


def test_the_codec_is_fitted_on_nothing_that_is_trained_on_or_held_out_later(
        smoke: Config, fitted: tuple[codec.Codec, set[bytes]]) -> None:
    _, seen = fitted
    said, behind = smoke.data, data.SHOWN_CLIPS + data.SHOWN_HELD_OUT
    later = {styles.clip(styles.NEW, said.seed, index, said.audio_seconds, said.sample_rate).tobytes()
             for index in range(behind, behind + said.clips + said.held_out)}
    held_out = {styles.clip(name, said.seed, index, said.audio_seconds, said.sample_rate).tobytes()
                for name in styles.SHOWN for index in range(data.SHOWN_CLIPS, behind)}
    assert len(seen) == len(styles.STYLES) * data.SHOWN_CLIPS and not seen & (later | held_out)


def test_an_arpeggio_sounds_to_its_end(smoke: Config) -> None:
    said = smoke.data
    for index in range(50):
        sound = styles.clip(styles.NEW, said.seed, index, said.audio_seconds, said.sample_rate)
        windows = sound[: len(sound) // 400 * 400].reshape(-1, 400)
        assert np.abs(sound).max() <= 1 and np.sqrt((windows**2).mean(axis=1)).min() > 0.02
