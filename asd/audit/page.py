"""The audit as one HTML page that holds everything itself and needs no network and no script."""

from __future__ import annotations

from pathlib import Path

from asd.audit.audit import Audit
from asd.audit.forms import MEANING, Form
from asd.audit.tally import Tally
from asd.report import charts
from asd.report.page_parts import stylesheet, templates_in
from asd.report.visible_text import visible
from asd.shards.files import write_text

_FOLDER = Path(__file__).parent
_MARKS = {"look": "▲ look", "bad": "✕ bad"}
_PROMPTS_SHOWN = 20


def write_page(path: Path, audit: Audit) -> None:
    """Write `render_page`'s page, whole or not at all. Raises: StorageError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, render_page(audit))


def render_page(audit: Audit) -> str:
    """The page as text: the same audit gives the same page."""
    tally = audit.whole
    same, _ = tally.repeated()
    return (
        templates_in(_FOLDER)
        .get_template("page.html.jinja")
        .render(
            css=stylesheet("card.css", "report.css"),
            tiles=[
                ("answers", f"{tally.turns:,}"),
                ("records", f"{tally.records:,}"),
                ("with images", f"{tally.with_images:,}"),
                ("prompts that name no form", f"{tally.asked[None] / tally.turns:.1%}"),
                ("repeated turns", f"{same:,}"),
                ("in another language than asked in", f"{tally.in_other_language:,}"),
            ],
            answer_chart=charts.bars(_counts(tally), title="Forms of the answers"),
            asked_chart=charts.bars(
                {_named(form) if form else "none named": count for form, count in tally.asked.most_common()},
                title="Forms that the prompts ask for",
            ),
            findings=audit.findings,
            marks=_MARKS,
            meanings=[(_named(form), MEANING[form]) for form in Form if tally.forms[form]],
            prompts=[
                (visible(prompt), [(_named(form), count) for form, count in forms.most_common(4)], sum(forms.values()))
                for prompt, forms in sorted(tally.prompts.items(), key=lambda item: (-sum(item[1].values()), item[0]))[
                    :_PROMPTS_SHOWN
                ]
            ],
            contradictions=[
                (
                    _named(asked),
                    _named(given),
                    count,
                    [
                        (visible(example.prompt), visible(example.answer))
                        for example in tally.examples[asked, given][:1]
                    ],
                )
                for (asked, given), count in tally.contradictions.most_common()
            ],
            files=[
                (name, of_file.turns, charts.bars(_counts(of_file), title=f"Forms of the answers in {name}"))
                for name, of_file in audit.by_file
            ],
        )
    )


def _counts(tally: Tally) -> dict[str, int]:
    return {_named(form): count for form, count in tally.forms.most_common() if count}


def _named(form: Form) -> str:
    return form.value.replace("_", " ")
