"""Losses and distances against what can be worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from expc.runtime.families.timbre_restore import losses

RATE, FRAMES = 8000, 4096


def tone(amplitude: float = 0.5, hertz: float = 1000.0) -> torch.Tensor:
    return amplitude * torch.sin(2 * math.pi * hertz * torch.arange(FRAMES) / RATE)[None]


def noise(seed: int = 1) -> torch.Tensor:
    return torch.randn(1, FRAMES, generator=torch.Generator().manual_seed(seed)) * 0.1


def test_a_sine_has_its_own_magnitude() -> None:
    middle = losses.magnitudes(tone(0.5), 512)[0, :, 10]
    assert int(middle.argmax()) == 64 and float(middle.max()) == pytest.approx(0.5, rel=1e-3)


def test_nothing_is_nothing_from_itself() -> None:
    audio = noise()
    assert float(losses.l1(audio, audio)) == float(losses.mrstft(audio, audio, (256, 512))) == 0.0
    assert float(losses.lsd(audio, audio)) == 0.0


def test_twice_as_loud_is_six_decibels_away() -> None:
    audio = noise()
    assert float(losses.lsd(2 * audio, audio)) == pytest.approx(20 * math.log10(2), rel=1e-3)
    assert float(losses.mrstft(2 * audio, audio, (256,))) == pytest.approx(1 + math.log(2), rel=1e-3)


def test_si_sdr_does_not_hear_loudness_and_counts_noise() -> None:
    clean = tone()
    dirty = clean + 0.1 * 0.5 / math.sqrt(2) * noise() / noise().std()
    assert float(losses.si_sdr(dirty, clean)) == pytest.approx(20, abs=0.3)
    assert float(losses.si_sdr(3 * dirty, clean)) == pytest.approx(float(losses.si_sdr(dirty, clean)), abs=1e-3)


def test_silence_has_no_ratio_and_does_not_explode() -> None:
    silent = torch.zeros(1, FRAMES)
    assert losses.si_sdr(noise(), silent).isnan().all()
    assert float(losses.mrstft(noise() * 1e-3, silent, (256, 512))) < 10


def test_half_the_excerpts_twice_are_all_of_them() -> None:
    made, clean = (torch.cat([noise(seed) * seed for seed in seeds]) for seeds in ((1, 2, 3, 4), (5, 6, 7, 8)))
    whole = losses.mrstft(made, clean, (256, 512))
    halves = [losses.mrstft(made[half], clean[half], (256, 512)) for half in (slice(0, 2), slice(2, 4))]
    assert float(whole) == pytest.approx(float(sum(halves)) / 2, rel=1e-5)


def test_a_discriminator_that_cannot_tell_is_in_balance() -> None:
    unsure = [torch.full((2, 1, 7), 0.5), torch.full((2, 1, 3), 0.5)]
    assert [float(one) for one in losses.told_apart(unsure, unsure)] == [0.25, 0.25]
    assert float(losses.fooled(unsure)) == 0.25
    sure = [torch.ones(2, 1, 7), torch.ones(2, 1, 3)]
    assert [float(one) for one in losses.told_apart(sure, [0 * one for one in sure])] == [0.0, 0.0]


def test_feature_matching_leaves_the_scores_out() -> None:
    real = [[torch.zeros(1, 2, 3), torch.zeros(1, 1, 3)]]
    fake = [[torch.full((1, 2, 3), 0.5), torch.full((1, 1, 3), 9.0)]]
    assert float(losses.feature_matching(real, fake)) == 0.5


def test_gradients_of_silence_are_finite() -> None:
    made = torch.zeros(1, FRAMES, requires_grad=True)
    losses.mrstft(made, noise(), (256, 512)).backward()
    assert made.grad is not None and made.grad.isfinite().all()
