"""The design document: whole files against goldens, and what no golden would catch."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from expc.compiler import documents
from expc.compiler.contract import document, rendering, snapshot
from expc.compiler.contract.experiment import Experiment, Finding, Remark
from expc.compiler.contract.schedules import Curve, Segment
from expc.compiler.documents.design import render_design
from expc.compiler.documents.drawing import render_schedule
from expc.compiler.pipeline import Session
from tests.fixtures.experiments import d8_depth, d8_depth_v2


@pytest.mark.parametrize("made", [d8_depth_v2, d8_depth])
def test_documents_are_their_goldens(made, golden) -> None:
    for name, text in documents.render(made()).items():
        golden(text, f"goldens/{made.__name__}/{name}")


def test_snapshot_read_back_gives_the_same_document() -> None:
    experiment = d8_depth_v2()
    assert documents.render(snapshot.loads(snapshot.dumps(experiment))) == documents.render(experiment)


def test_first_language_owns_the_plain_name() -> None:
    assert list(documents.render(d8_depth_v2(languages=("en", "zh")))) == [
        "EXPERIMENT_D8_DEPTH_V2_DESIGN.md",
        "rate_schedule.svg",
        "EXPERIMENT_D8_DEPTH_V2_DESIGN.zh.md",
        "rate_schedule.zh.svg",
    ]


def test_every_note_and_every_change_is_shown() -> None:
    experiment = d8_depth_v2()
    text = render_design(experiment, "en")
    for note in experiment.notes:
        assert rendering.inline(note.text["en"]) in text
    for change in experiment.changes:
        assert f"| `{change.key}` |" in text


@pytest.mark.parametrize(("compiled", "shown"), [((False, True), True), ((True, True), False), ((False, False), False)])
def test_phases_that_differ_in_compilation_say_so(compiled: tuple[bool, bool], shown: bool) -> None:
    made = d8_depth()
    whole, = made.training.phases
    phases = (dataclasses.replace(whole, name="first", end=100, compile=compiled[0]),
              dataclasses.replace(whole, name="second", start=100, compile=compiled[1]))
    loading = dict.fromkeys(("first", "second"), made.loading[whole.name])
    text = render_design(dataclasses.replace(made, training=dataclasses.replace(made.training, phases=phases),
                                             loading=loading), "en")
    table = text[text.index("## Phases"):]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| ")][:3]
    assert len({len(row) for row in rows}) == 1
    assert ("torch.compile" in rows[0]) == shown
    if shown:
        assert [row[rows[0].index("torch.compile")] for row in rows[1:]] == ["no", "yes"]


def test_leftovers_have_no_section_of_their_own() -> None:
    text = render_design(d8_depth(), "en")
    for heading in (
        "What changes from the parent",
        "The boundary at resume",
        "Scenarios",
        "Models compared",
        "Fairness of the comparison",
        "Further notes by the author",
    ):
        assert f"## {heading}" not in text
    assert "Nothing was promised for this run." in text
    assert "`compare`" not in text


def hostile(experiment: Experiment) -> Experiment:
    """The experiment with prose that tries to break out of every place it is put in."""
    evil = "# x | y\n\n</td><script>alert(1)</script> ``` `a|b` [l](javascript:x) \u202e\n| - |"
    text = {"any": evil}
    suites = tuple(
        dataclasses.replace(suite, title=text, prompts=("```\n| <img src=x>", evil))
        for suite in experiment.evaluation.suites
    )
    assert experiment.scenarios is not None
    cases = tuple(
        dataclasses.replace(case, title=text, conclusion=text, next=text) for case in experiment.scenarios.cases
    )
    past = tuple(dataclasses.replace(one, of=evil) for one in experiment.claims.losses)
    return dataclasses.replace(
        experiment,
        title=text,
        goal=text,
        date="2026|<b>",
        evaluation=dataclasses.replace(experiment.evaluation, suites=suites),
        scenarios=dataclasses.replace(experiment.scenarios, cases=cases),
        notes=tuple(Remark(about, text) for about in ("model.depth", "optimizer", "a|<b>`")),
        warnings=(Finding("W1|", "a`|<b>", text, {}), Finding("W2|", "a`|<b>", text, text)),
        claims=dataclasses.replace(experiment.claims, losses=past, only_changes=(evil,)),
        hardware=dataclasses.replace(experiment.hardware, title=evil, currency="<|"),
        expectations=tuple(dataclasses.replace(one, why=text) for one in experiment.expectations),
    )


def test_no_string_of_a_spec_breaks_a_table_or_becomes_html() -> None:
    plain = render_design(d8_depth_v2(notes=()), "en")
    lines = render_design(hostile(d8_depth_v2()), "en").split("\n")
    columns = None
    for line in lines:
        live = re.sub(r"</?code>|</?br>", "", line)
        assert not re.search(r"(?<!`)<[a-z/!]", live), line
        if not line.startswith("|"):
            columns = None
            continue
        columns = columns or line.count("|")
        assert line.count("|") == columns, line
    headings = [line for line in lines if line.startswith("## ")]
    assert [line for line in plain.split("\n") if line.startswith("## ") and "Further" not in line] == [
        line for line in headings if "Further" not in line
    ]


def test_points_of_a_resumed_run_begin_at_its_resume_step() -> None:
    assert document.schedule_points(d8_depth_v2().training) == (
        (5000, 1.0),
        (15000, 1.0),
        (19999, pytest.approx(0.05019)),
    )


def test_differing_names_steps_and_parameters() -> None:
    assert [code for code, _ in document.differing(d8_depth_v2())] == ["steps_differ", "parameters_differ"]
    assert list(document.differing(d8_depth())) == []


def test_drawing_is_xml_with_the_parents_last_value_and_samples_what_bends() -> None:
    experiment = d8_depth_v2()
    assert "parent's last: 0.05047" in render_schedule(experiment, "en")
    bent = dataclasses.replace(experiment.training, curves={"rate": Curve((Segment(0, 20000, "cosine", 1.0, 0.0),))})
    root = ElementTree.fromstring(render_schedule(dataclasses.replace(experiment, training=bent), "zh"))
    line = root.find("{http://www.w3.org/2000/svg}polyline")
    assert line is not None and len(line.attrib["points"].split()) > 90


def test_a_run_of_one_step_can_be_drawn() -> None:
    experiment = d8_depth()
    short = dataclasses.replace(
        experiment.training, steps=1, curves={"rate": Curve((Segment(0, 1, "constant", 1.0, 1.0),))}
    )
    assert "<polyline" in render_schedule(dataclasses.replace(experiment, training=short), "en")


def test_a_constant_rate_has_no_warmdown_and_a_range_looks_like_one() -> None:
    root = Path(__file__).parents[3]
    lora, timbre = (Session(root).compile(root / "specs" / name).experiment
                    for name in ("musicgen_lora/run1_padded.yaml", "timbre_restore.yaml"))
    assert lora is not None and timbre is not None
    (text,) = (text for name, text in documents.render(lora).items() if name.endswith("DESIGN.en.md"))
    assert "- No warmup.\n- No warmdown.\n" in text and "the ratio 0 is of" not in text
    (text,) = (text for name, text in documents.render(timbre).items() if name.endswith("DESIGN.en.md"))
    assert "`data.degradation.cutoff` | 2,000 … 8,000 |" in text and "`data.degradation.drive` | 1 … 4 |" in text
