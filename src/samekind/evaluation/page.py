"""An evaluation as one self-contained HTML page: verdict, plots, figures, classes, example hits."""

from __future__ import annotations

import base64
import io
from functools import lru_cache
from html import escape
from pathlib import Path

import numpy as np

from samekind.errors import PictureError
from samekind.evaluation import plots, words
from samekind.evaluation.examples import Example, Shown, choose
from samekind.evaluation.results import ClassScores, Evaluation, Scores
from samekind.evaluation.words import Table, percent

_THUMBNAIL = 104
_CLASSES_SHOWN = 8
_KINDS = {
    "gained": "Better than {other}",
    "lost": "Worse than {other}",
    "wrong": "Surest mistakes",
    "right": "Typical successes",
}


def page(evaluation: Evaluation) -> str:
    """The whole page; pictures are inlined as small JPEGs, nothing is fetched."""
    sections = [_head(evaluation), _plots(evaluation), _figures(evaluation)]
    sections += [_set(one, other, evaluation) for one, other in _pairs(evaluation)]
    sections.append(_foot(evaluation))
    style = (Path(__file__).parent / "page.css").read_text("utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Evaluation: {escape(evaluation.setting)}</title><style>{style}</style></head>"
        f"<body><main>{''.join(sections)}</main></body></html>\n"
    )


def _head(evaluation: Evaluation) -> str:
    first, *others = words.verdict(evaluation)
    details = evaluation.details
    chips = [evaluation.setting]
    if "protocol" in details:
        chips.append(f"protocol {details['protocol']}")
        chips += [f"split {details['split']}"] if details["protocol"] == "new" else []
    chips.append(f"{len(evaluation.sets)} set{'s' if len(evaluation.sets) > 1 else ''}")
    chips.append(f"{sum(len(one.queries) for one in evaluation.sets):,} queries")
    return (
        "<header><h1>Does search find the same kind?</h1>"
        f'<p class="verdict">{escape(first)}</p>'
        f'<p class="chips">{"".join(f"<span>{escape(chip)}</span>" for chip in chips)}</p>'
        f'<div class="cards">{"".join(_card(name, evaluation) for name in words.HEADLINES)}</div>'
        f"<ul>{''.join(f'<li>{escape(said)}</li>' for said in others)}</ul></header>"
    )


def _card(name: str, evaluation: Evaluation) -> str:
    ours = evaluation.mean[name]
    below = f"95 % interval {percent(ours.low)} to {percent(ours.high)}"
    if evaluation.against is not None:
        change = words.shown_differences(evaluation)
        change_of = change.get(words.MEAN, change[evaluation.sets[0].name])[name]
        theirs = percent(evaluation.against.mean[name].mean)
        kind = "unclear" if not change_of.significant else "better" if change_of.mean > 0 else "worse"
        points = f'<b class="{kind}">{words.signed(change_of.mean)} points</b>'
        below = f"{escape(evaluation.against.setting)}: {theirs}; {points}"
    return (
        f'<div class="card"><div class="label">{words.TITLES[name]}</div>'
        f'<div class="big">{percent(ours.mean)}<small> %</small></div><div class="below">{below}</div></div>'
    )


def _plots(evaluation: Evaluation) -> str:
    other = evaluation.against
    kinds = ["ours", "theirs"] if other else ["ours"]
    figures = []
    for name in words.HEADLINES:
        rows = [
            (mine.name, [one.intervals[name] for one in (mine, theirs) if one]) for mine, theirs in _pairs(evaluation)
        ]
        if len(rows) > 1:
            rows.append((words.MEAN, [one.mean[name] for one in (evaluation, other) if one]))
            if evaluation.joint is not None:
                joints = [one.joint.intervals[name] for one in (evaluation, other) if one and one.joint]
                rows.append((words.JOINT, joints))
        title = words.TITLES[name]
        figures.append(f"<figure><figcaption>{title}, percent</figcaption>{plots.bars(title, rows, kinds)}</figure>")
    legend = f'<span class="key ours"></span>{escape(evaluation.setting)}'
    if other:
        legend += f'<span class="key theirs"></span>{escape(other.setting)}'
        found = words.shown_differences(evaluation)
        for name in words.HEADLINES:
            title = f"Difference, {words.TITLES[name]}, points"
            plot = plots.forest(title, [(row, one[name]) for row, one in found.items()])
            figures.append(f"<figure><figcaption>{title}</figcaption>{plot}</figure>")
    grid = f'<div class="figures">{"".join(figures)}</div>'
    return f'<section><h2>Set by set</h2><p class="legend">{legend}</p>{grid}</section>'


def _figures(evaluation: Evaluation) -> str:
    tables = table(words.scores_table(evaluation))
    if evaluation.against is not None:
        tables += f"<h3>{escape(evaluation.setting)} against {escape(evaluation.against.setting)}</h3>"
        tables += table(words.differences_table(evaluation))
    return f"<section><h2>All figures, percent</h2>{tables}</section>"


def _set(ours: Scores, theirs: Scores | None, evaluation: Evaluation) -> str:
    if not ours.classes:
        return ""
    other = evaluation.against.setting if evaluation.against else ""
    examples = choose(ours, theirs)
    groups = []
    for kind, title in _KINDS.items():
        shown = [_example(one, evaluation) for one in examples if one.kind == kind]
        if shown:
            groups.append(f"<h3>{escape(title.format(other=other))}</h3>{''.join(shown)}")
    counts = (
        f"{len(ours.queries):,} queries, {ours.gallery:,} pictures searched, {len(set(ours.classes)):,} classes asked"
    )
    tuning = f"; tuning: {escape(ours.tuning)}" if ours.tuning else ""
    return (
        f'<section><h2>{escape(ours.name)}</h2><p class="counts">{counts}{tuning}</p>'
        f"{_classes(ours, theirs, evaluation)}{''.join(groups)}</section>"
    )


def _classes(ours: Scores, theirs: Scores | None, evaluation: Evaluation) -> str:
    mine = sorted(ours.per_class(), key=lambda one: one.means["map@r"])
    easiest = sorted(ours.per_class(), key=lambda one: -one.means["map@r"])
    other = {one.label: one for one in theirs.per_class()} if theirs else {}
    names = (evaluation.setting, evaluation.against.setting if evaluation.against else "")
    if len(mine) <= 2 * _CLASSES_SHOWN:
        blocks = [("Classes, hardest first", mine)]
    else:
        blocks = [
            (f"Hardest of {len(mine)} classes", mine[:_CLASSES_SHOWN]),
            (f"Easiest of {len(mine)} classes", easiest[:_CLASSES_SHOWN]),
        ]
    tables = "".join(f"<div><h3>{title}</h3>{_class_table(rows, other, names)}</div>" for title, rows in blocks)
    return f'<div class="classes">{tables}</div>'


def _class_table(rows: list[ClassScores], other: dict[str, ClassScores], names: tuple[str, str]) -> str:
    lines = []
    for one in rows:
        cells = f"<td>{percent(one.means['recall@1'])}</td><td>{_meter(one.means['map@r'])}</td>"
        if other:
            cells += f"<td>{percent(other[one.label].means['map@r'])}</td>"
        lines.append(f"<tr><th>{escape(one.label)}</th><td>{one.queries}</td>{cells}</tr>")
    against = f"<th>{escape(names[1])}</th>" if other else ""
    header = f"<tr><th>class</th><th>queries</th><th>R@1</th><th>MAP@R, {escape(names[0])}</th>{against}</tr>"
    return f"<table><thead>{header}</thead><tbody>{''.join(lines)}</tbody></table>"


def _meter(value: float) -> str:
    return f'<span class="meter"><i style="width:{100 * value:.0f}%"></i></span>{percent(value)}'


def _example(example: Example, evaluation: Evaluation) -> str:
    lines = [(evaluation.setting, example.hits)]
    if evaluation.against is not None:
        lines.append((evaluation.against.setting, example.other_hits))
    rows = "".join(
        f'<div class="row"><span class="by">{escape(setting)}</span>{"".join(_picture(hit) for hit in hits)}</div>'
        for setting, hits in lines
    )
    return f'<div class="example">{_picture(example.query)}<div class="rows">{rows}</div></div>'


def _picture(shown: Shown) -> str:
    kind, mark, said = {
        None: ("query", "", "query"),
        True: ("right", "✓", "right"),
        False: ("wrong", "✗", "wrong"),
    }[shown.right]
    badge = f'<b aria-hidden="true">{mark}</b>' if mark else ""
    title = escape(f"{shown.label} ({said}): {shown.file.name}")
    return (
        f'<figure class="picture {kind}" title="{title}"><img alt="{title}" src="{thumbnail(shown.file)}">{badge}'
        f"<figcaption>{'Query: ' if shown.right is None else ''}{escape(shown.label)}</figcaption></figure>"
    )


@lru_cache(maxsize=4096)
def thumbnail(file: Path) -> str:
    """A small JPEG of the picture as a data URL; a grey one where it cannot be read."""
    from PIL import Image

    from samekind.pictures.decode import Limits, decode

    try:
        pixels = decode(file.read_bytes(), Limits(), side=_THUMBNAIL).pixels
    except (PictureError, OSError):  # it was readable when it was encoded; the page can do without
        pixels = np.full((8, 8, 3), 128, np.uint8)
    image = Image.fromarray(pixels)
    image.thumbnail((2 * _THUMBNAIL, _THUMBNAIL))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=72, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}"


def _foot(evaluation: Evaluation) -> str:
    lines = "".join(f"<li>{escape(line)}</li>" for line in words.method(evaluation))
    details = ", ".join(f"{name} {value}" for name, value in evaluation.details.items())
    skipped = "".join(f"<li>{escape(path)}</li>" for path in evaluation.skipped)
    left_out = f"<details><summary>Pictures left out</summary><ul>{skipped}</ul></details>" if skipped else ""
    return (
        f"<footer><h2>How it was measured</h2><ul>{lines}<li>{escape(details)}</li></ul>{left_out}"
        "<p>Every class and every interval: report.json, beside this page.</p></footer>"
    )


def table(cells: Table) -> str:
    """Header and rows; those of the mean and the joint gallery stand out."""
    header, *rows = cells
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join(
        f"<tr{' class=whole' if row[0] in (words.MEAN, words.JOINT) else ''}><th>{escape(row[0])}</th>"
        f"{''.join(f'<td>{escape(cell)}</td>' for cell in row[1:])}</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _pairs(evaluation: Evaluation) -> list[tuple[Scores, Scores | None]]:
    if evaluation.against is None:
        return [(one, None) for one in evaluation.sets]
    return list(zip(evaluation.sets, evaluation.against.sets, strict=True))
