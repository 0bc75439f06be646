"""Titles and artists that sound real and belong to nobody."""

from __future__ import annotations

from .dice import Dice
from .theory import Key

_ADJECTIVES = tuple(
    "Amber Ashen Bitter Blue Bright Broken Burning Crooked Crystal Distant Drifting Dusty Electric Empty "
    "Endless Fading Faithful Frozen Gentle Golden Hidden Hollow Iron Little Lonely Lost Midnight Morning "
    "Northern Old Paper Quiet Restless Rusty Scarlet Secret Silent Silver Sleeping Southern Stolen Velvet "
    "Wandering Wild Winter Wooden".split()
)
_NOUNS = tuple(
    "Anchor Bell Bird Bridge Candle Canyon Carousel Cathedral City Coast Compass Crow Dancer Dawn Desert Door "
    "Dream Ember Engine Field Fire Flower Forest Fountain Garden Ghost Harbor Highway Hill House Island "
    "Lantern Letter Lighthouse Machine Mirror Moon Mountain Ocean Orchard Pilgrim Rain River Road Rose Sailor "
    "Shadow Sky Snow Song Sparrow Star Station Stone Storm Street Summer Sun Thunder Tide Tower Train Valley "
    "Violin Water Willow Wind".split()
)
_PLACES = tuple(
    "Albany Arden Avalon Bayview Bergen Brighton Cadiz Calais Delta Dover Elmwood Fairview Galway Granada "
    "Hudson Kingston Lisbon Madrid Memphis Nashville Orleans Oslo Porto Savannah Seville Tulsa Vienna Windsor".split()
)
_FIRST = tuple(
    "Ada Ben Clara Daniel Elena Felix Grace Henry Ines Jonas Kai Laura Mira Nora Oscar Paul Rosa Simon Theo "
    "Vera".split()
)
_LAST = tuple(
    "Alder Becker Castillo Dunn Ellis Ferrer Gray Hale Ivers Keller Lindqvist Marsh Novak Ortega Page Quinn "
    "Reyes Stone Turner Vance Weber York".split()
)
_STUDIES = ("Study", "Etude", "Prelude", "Andante", "Minuet", "Romance")


def _plural(noun: str) -> str:
    if noun.endswith("s"):
        return noun + "es"
    return noun[:-1] + "ies" if noun.endswith("y") and noun[-2] not in "aeou" else noun + "s"


def title(dice: Dice, style: str, key: Key) -> str:
    """A title that fits the style: studies name their key, a blues its place."""
    adjective, noun, place = dice.pick(_ADJECTIVES), dice.pick(_NOUNS), dice.pick(_PLACES)
    if style == "study" and dice.chance(0.6):
        return f"{dice.pick(_STUDIES)} in {key.name}"
    if style == "blues" and dice.chance(0.7):
        return f"{dice.pick((place, noun, adjective))} Blues"
    if style == "waltz" and dice.chance(0.5):
        return f"{dice.pick((noun, place))} Waltz"
    short = (f"{adjective} {noun}", f"The {noun}", f"{adjective} {_plural(noun)}")
    return dice.pick((*short, f"{noun} of {place}", f"Road to {place}"))


def artist(dice: Dice) -> str:
    """A person or a band."""
    if dice.chance(0.6):
        return f"{dice.pick(_FIRST)} {dice.pick(_LAST)}"
    return f"The {dice.pick(_ADJECTIVES)} {_plural(dice.pick(_NOUNS))}"
