"""Templates, words and languages: what turns an experiment and evidence into text, for compiler and runtime alike.

In go a template's name and its context, out comes text. Words come from `templates/words/<language>.json`: flat keys,
`str.format` placeholders, our own sentences only; strings of a spec pass through the filters of `markdown`.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import templates
from . import quantities
from .markdown import amount, blockquote, code, fence, inline, prose, say, signed

if TYPE_CHECKING:
    import jinja2

FOLDER = Path(templates.__file__).parent


class Words:
    """The words of one language: `words(key, name=value)` is a sentence. An unknown key raises KeyError.

    `counted` is the word (`units.<counted>`) that stands for `{units}`: what the data of an experiment is counted in.
    """

    def __init__(self, language: str, counted: str = "tokens") -> None:
        self.language = language
        self._words = _counted(language, counted)

    def __call__(self, key: str, /, **values: Any) -> str:
        return self._words[key].format(**values) if values else self._words[key]

    def __getitem__(self, key: str) -> str:
        """A sentence without figures. Templates ask this way, since Jinja2 wraps every call."""
        return self._words[key]

    def __contains__(self, key: str) -> bool:
        return key in self._words

    def label(self, kind: str, name: str) -> str:
        """The word for a name from outside (a module, a metric, a method); the name as code if there is none."""
        return self(f"{kind}.{name}") if f"{kind}.{name}" in self else code(name)


@functools.cache
def _counted(language: str, counted: str) -> Mapping[str, str]:
    """The words with `{units}` put in."""
    words = _load(language)
    units = words[f"units.{counted}"]
    return {key: text.replace("{units}", units).replace("{Units}", units[:1].upper() + units[1:]).strip()
            if "nits}" in text else text for key, text in words.items()}


@functools.cache
def _load(language: str) -> Mapping[str, str]:
    words: dict[str, str] = json.loads((FOLDER / "words" / f"{language}.json").read_text(encoding="utf-8"))
    return words


@functools.cache
def environment() -> jinja2.Environment:
    """The one Jinja2 environment: undefined names raise, nothing is escaped by itself, blocks leave no lines behind."""
    import jinja2  # here, because a check renders nothing, and loading it is a tenth of one

    from .bytecode import Bytecode
    from .calls import Direct

    result = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER, encoding="utf-8"), undefined=jinja2.StrictUndefined, autoescape=False,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, auto_reload=False, bytecode_cache=Bytecode(FOLDER),
    )
    result.context_class = Direct
    own = (inline, prose, code, fence, blockquote, amount, signed)
    numbers = (quantities.integer, quantities.decimal, quantities.significant, quantities.percent, quantities.size,
               quantities.duration)
    result.filters.update({function.__name__: function for function in (*own, *numbers)})
    return result


def counted_in(context: Mapping[str, Any]) -> str:
    """The word for what the data of a context's experiment is counted in."""
    return getattr(context.get("experiment"), "counted", "tokens")


def render(template: str, context: Mapping[str, Any], language: str) -> str:
    """Text of `template` in one language: `t` holds its words, `say` picks prose; ends with one newline."""
    text = environment().get_template(template).render(
        context, t=Words(language, counted_in(context)), say=lambda prose: say(prose, language), language=language)
    return tidy(text)


def tidy(text: str) -> str:
    """Outside code fences no line ends in spaces and no two empty lines follow each other; one newline at the end."""
    kept: list[str] = []
    closing = ""
    for line in text.split("\n"):
        if closing:
            closing = "" if line == closing else closing
        elif line.startswith("```"):
            closing = line[: len(line) - len(line.lstrip("`"))]
        else:
            line = line.rstrip()
            if not line and (not kept or not kept[-1]):
                continue
        kept.append(line)
    return "\n".join(kept).strip("\n") + "\n"
