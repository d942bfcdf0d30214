"""An adaptation as one self-contained HTML page: verdict, before and after, what was learned, what it took."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from html import escape
from pathlib import Path

from samekind.adapt.insight import Attention, Clusters, Example, Neighbour
from samekind.evaluation import adapted_words as said
from samekind.evaluation import words
from samekind.evaluation.adapted import Report
from samekind.evaluation.adapted_plots import Change, changes, curves, sizes
from samekind.evaluation.page import table, thumbnail
from samekind.evaluation.words import percent, signed

_SKIPS_SHOWN = 200


def page(report: Report) -> str:
    """The whole page; pictures are inlined as small JPEGs, nothing is fetched."""
    sections = [_head(report), _gate(report), _labels(report), _examples(report), _learned(report)]
    sections += [_attention(report), _took(report)]
    style = "".join((Path(__file__).parent / name).read_text("utf-8") for name in ("page.css", "adapted.css"))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(': '.join(said.headline(report)))}</title><style>{style}</style></head>"
        f"<body><main>{''.join(sections)}</main></body></html>\n"
    )


def _head(report: Report) -> str:
    adapted = report.adapted
    first, *others = said.verdict(report)
    word, rest = said.headline(report)
    kind = "accepted" if word == "Accepted" else "refused"
    total = sum(adapted.pictures.values())
    chips = [f"base {adapted.base}", f"method {adapted.method}", f"seed {adapted.seed}"]
    chips += [f"{len(adapted.pictures)} collection{'s' if len(adapted.pictures) > 1 else ''}", f"{total:,} pictures"]
    chips.append(said.clock(sum(report.seconds.values())))
    return (
        f'<header><h1><b class="{kind}">{escape(word)}</b>{escape(rest)}</h1>'
        f'<p class="verdict">{escape(first)}</p>'
        f"{f'<ul>{_items(others)}</ul>' if others else ''}"
        f'<p class="chips">{"".join(f"<span>{escape(chip)}</span>" for chip in chips)}</p>'
        f'<div class="cards">{_cards(report)}</div></header>'
    )


def _cards(report: Report) -> str:
    one = said.shown_verdict(report)[1].overall
    keys = ["neighbours" if one.alike is None else "alike", "found"]
    cards = [
        _card(title, getattr(one, f"{key}_before"), getattr(one, key), getattr(one, f"{key}_margin"), True)
        for title, key in FIGURES
        if key in keys
    ]
    compared = report.labels.compared if report.labels else None
    if compared is not None and compared.against is not None:
        rows = words.shown_differences(compared)
        shown = rows.get(words.MEAN, rows[compared.sets[0].name])
        for metric in words.HEADLINES:
            before, after = compared.against.mean[metric].mean, compared.mean[metric].mean
            found = shown[metric]
            kind = "unclear" if not found.significant else "better" if found.mean > 0 else "worse"
            below = f"{signed(found.mean)} points, base and new both tuned"
            cards.append(_card(f"By labels: {words.TITLES[metric]}", before, after, 0, False, below, kind))
    return "".join(cards)


def _card(
    title: str, before: float, after: float, margin: float, judged: bool, below: str = "", kind: str = "unclear"
) -> str:
    if judged:
        kind = "worse" if after < before - margin else "better" if after > before + margin else "unclear"
        below = f"{signed(after - before)} points; a fall of {percent(margin)} is allowed"
    return (
        f'<div class="card"><div class="label">{escape(title)}</div><div class="big">'
        f"<small>{percent(before)} → </small>{percent(after)}<small> %</small></div>"
        f'<div class="below"><b class="{kind}">{escape(below)}</b></div></div>'
    )


FIGURES = (("Neighbours kept", "neighbours"), ("Own picture found", "found"), ("Alike to another network", "alike"))


def _gate(report: Report) -> str:
    blocks = []
    before = "each collection tuned by itself"
    if "kept" in report.adapted.verdicts:
        before += "; a kept collection as it was, after that with the new pictures beside it"
    for name, found in report.adapted.verdicts.items():
        every = {**found.collections, **({"all together": found.overall} if len(found.collections) > 1 else {})}
        figures = []
        asked = any(one.alike is not None for one in every.values())
        for title, key in FIGURES if asked else FIGURES[:2]:
            rows = []
            for row, one in every.items():
                if getattr(one, key) is None:
                    continue
                change = getattr(one, key) - getattr(one, f"{key}_before")
                decides = key != "neighbours" or one.alike is None
                margin = getattr(one, f"{key}_margin") if decides else 0.0
                kind = "unclear" if not decides else "worse" if change < -margin else "better"
                rows.append(Change(row, change, -margin, 0.0, kind, allowed=decides))
            plot = changes(f"{title}: change in points, by collection", rows)
            figures.append(f"<figure><figcaption>{title}, <span>change in points</span></figcaption>{plot}</figure>")
        outcome = "accepted" if found.accepted else "refused"
        blocks.append(
            f"<h3>{escape(said.NAMES[name].capitalize())}: {outcome}</h3>"
            f'<div class="figures">{"".join(figures)}</div>{_marked(said.gate_table(found, report.adapted.pictures))}'
        )
    return (
        "<section><h2>Before and after, without labels</h2>"
        '<p class="note">Pictures that took no part in the fit, seen a second time (mirrored, and their centre). '
        "<i>Neighbours kept</i>: how many of its neighbours the second view still has. <i>Own picture found</i>: how "
        f"often it finds its picture, in all collections now, in its own before. Before: {before}. "
        "<i>Alike to another network</i>: how alike a picture's three nearest are to a network that took no part (mean "
        "cosine); where it was asked, it decides instead of the neighbours kept. Percent; the grey span is "
        "the fall that is allowed.</p>"
        f"{''.join(blocks)}</section>"
    )


def _marked(cells: words.Table) -> str:
    shown = table(cells)
    for outcome in ("passed", "worse"):
        shown = shown.replace(f"<td>{outcome}</td>", f'<td class="{outcome}">{outcome}</td>')
    return shown


def _labels(report: Report) -> str:
    if report.labels is None:
        return ""
    cells = said.labels_table(report.labels)
    figures, compared = [], report.labels.compared
    if compared is not None:
        for metric in words.HEADLINES:
            rows = []
            for name, found in words.shown_differences(compared).items():
                one = found[metric]
                kind = "unclear" if not one.significant else "better" if one.mean > 0 else "worse"
                rows.append(Change(name, one.mean, one.low, one.high, kind))
            plot = changes(f"{words.TITLES[metric]}: new less base, both tuned, points", rows)
            figures.append(
                f"<figure><figcaption>{words.TITLES[metric]}, <span>new less base, both tuned, points</span>"
                f"</figcaption>{plot}</figure>"
            )
    skipped = report.labels.to_dict()["skipped"]
    left_out = f" {len(skipped):,} labelled pictures could not be read." if skipped else ""
    return (
        "<section><h2>By your labels</h2>"
        '<p class="note">Labels took no part in the fit or in the verdict. Each set is searched as one collection, as '
        "the encoder gives it (plain) and with the collection's own tuning (tuned); the joint gallery is all sets as "
        "one collection. Filled dots are differences that chance does not explain (p below .05), lines their 95 % "
        f"intervals.{left_out}</p>"
        f'<div class="labels">{table(cells)}</div><div class="figures">{"".join(figures)}</div></section>'
    )


def _examples(report: Report) -> str:
    insight = report.adapted.insight
    if not insight.examples:
        return ""
    marks = " Marks and names of kinds are from your labels." if report.kinds else ""
    cases = "".join(_case(one, report) for one in insight.examples)
    return (
        "<section><h2>Neighbours before and after</h2>"
        f'<p class="note">Held-out pictures whose neighbours changed most with {said.NAMES[insight.shown]}; typical '
        "ones change less. Before: in their own collection, tuned by itself. After: among those of all collections. "
        f"A dashed frame is a neighbour that was not there before.{marks}</p>{cases}</section>"
    )


def _case(one: Example, report: Report) -> str:
    before = {hit.file for hit in one.before}
    rows = (
        f'<div><div class="by">{escape(name)}</div><div class="row">'
        f"{''.join(_picture(hit, one.query, report, hit.file not in before) for hit in hits)}</div></div>"
        for name, hits in ((f"before: {one.query.collection} tuned by itself", one.before), ("after", one.after))
    )
    return f'<div class="case">{_picture(one.query, None, report)}{"".join(rows)}</div>'


def _picture(one: Neighbour, query: Neighbour | None, report: Report, new: bool = False) -> str:
    kind = report.kinds.get(one.file.resolve())
    asked = report.kinds.get(query.file.resolve()) if query else None
    right = kind == asked if kind and asked else None
    classes = ["picture", *(["query"] if query is None else []), *(["new"] if new else [])]
    classes += [] if right is None else ["right" if right else "wrong"]
    title = f"{'query' if query is None else 'neighbour'}, {one.collection}: {one.file.name}"
    title += f" ({kind[1]}{'' if right is None else ', right' if right else ', wrong'})" if kind else ""
    foreign = f"{one.collection}: " if query is None or query.collection != one.collection else ""
    badge = "" if right is None else f'<b aria-hidden="true">{"✓" if right else "✗"}</b>'
    return (
        f'<figure class="{" ".join(classes)}" title="{escape(title)}"><img alt="{escape(title)}" '
        f'src="{thumbnail(one.file)}">{badge}<figcaption>{escape(foreign + (kind[1] if kind else one.file.name))}'
        "</figcaption></figure>"
    )


def _learned(report: Report) -> str:
    insight = report.adapted.insight
    if not insight.trained_on:
        return ""
    figures = [_clusters(one) for one in insight.trained_on]
    if insight.losses:
        names = [f"{len(one.sizes):,} clusters" for one in insight.trained_on]
        names = names if len(insight.losses.sets) > 1 else ["all sets"]
        lines = "".join(
            f'<li><svg viewBox="0 0 34 8" aria-hidden="true"><path class="curve set{at % 4}" d="M0 4H34"/></svg>'
            f"{names[at] if at < len(names) else f'set {at + 1}'}: {curve[0]:.2f} → {curve[-1]:.2f}</li>"
            for at, curve in enumerate(insight.losses.sets)
        )
        figures.insert(
            0,
            "<figure><figcaption>Loss of the sets of adaptors, <span>by step</span></figcaption>"
            f'{curves("Loss of the sets of adaptors by step", insight.losses)}<ul class="lines">{lines}</ul></figure>',
        )
    return (
        "<section><h2>What was learned from</h2>"
        '<p class="note">The pictures were clustered by likeness at several granularities, and the adaptors learned '
        "how much pictures have in common there. Purity: the share of pictures in a cluster that is mostly of "
        "their own collection; the second figure is what one cluster for everything would give. Bars: how many "
        f'clusters have so many pictures.</p><div class="figures">{"".join(figures)}</div></section>'
    )


def _clusters(one: Clusters) -> str:
    count = f"{len(one.sizes):,} clusters" if len(one.sizes) > 1 else "One cluster"
    about = (
        f"median {statistics.median(one.sizes):g} pictures; purity {percent(one.purity)} %, not {percent(one.chance)} %"
    )
    plot = sizes(f"{count} by their number of pictures", one)
    return f"<figure><figcaption>{count}, <span>{about}</span></figcaption>{plot}</figure>"


def _attention(report: Report) -> str:
    insight = report.adapted.insight
    tables = [_heat(one, level) for one in insight.attention for level, groups in enumerate(one.levels) if groups > 1]
    if not insight.attention:
        return ""
    if not tables:
        tables = ['<p class="note">With so few pictures there is one group, which serves all of them.</p>']
    groups = "; ".join(
        f"{len(one.sizes)} groups of {min(one.sizes):,} to {max(one.sizes):,} pictures, purity {percent(one.purity)} %"
        for one in insight.groups
        if len(one.sizes) > 1
    )
    return (
        "<section><h2>Which experts serve which collection</h2>"
        '<p class="note">The last step is a mix of experts, one for each group of like pictures; every picture is '
        "served by those that it is near to. Mean share in percent. <i>In use</i>: how many experts share the work in "
        "effect (from the entropy), for a whole collection and for one picture."
        f"{f' By nearest expert: {groups}.' if groups else ''}</p>{''.join(tables)}</section>"
    )


def _heat(one: Attention, level: int) -> str:
    start, groups = sum(one.levels[:level]), one.levels[level]
    head = "".join(f"<th>{at + 1}</th>" for at in range(groups))
    rows = "".join(
        f"<tr><th>{escape(name)}</th>"
        + "".join(
            f'<td class="share" style="--share:{x:.3f}">{100 * x:.0f}</td>' for x in shares[start : start + groups]
        )
        + f'<td class="used">{one.used[name][level]:.1f}</td><td>{one.used_by_one[name][level]:.1f}</td></tr>'
        for name, shares in one.shares.items()
    )
    return (
        f"<h3>{groups} experts{f' of {escape(one.part)}' if one.part else ''}</h3>"
        f'<div class="wide"><table class="heat"><thead><tr><th>expert</th>{head}<th class="used">in use</th>'
        f"<th>by one</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _took(report: Report) -> str:
    insight = report.adapted.insight
    seconds = {name: said.clock(one) for name, one in report.seconds.items()}
    seconds["in all"] = said.clock(sum(report.seconds.values()))
    if report.peak_bytes:
        seconds["memory at most"] = said.size(report.peak_bytes)
    if insight.token_bytes:
        seconds["token cache"] = f"{said.size(insight.token_bytes)} on disk, taken away again"
    skipped = ""
    if insight.skipped:
        lines = [
            f"{one.path}: {one.reason}{f' ({one.detail})' if one.detail else ''}"
            for one in insight.skipped[:_SKIPS_SHOWN]
        ]
        more = len(insight.skipped) - len(lines)
        lines += [f"and {more:,} more, in report.json"] if more else []
        count = f"{len(insight.skipped):,} picture{'s' if len(insight.skipped) > 1 else ''}"
        skipped = (
            f"<details><summary>{count} could not be read and were left out</summary><ul>{_items(lines)}</ul></details>"
        )
    blocks = (("What it took", seconds), ("Settings", report.settings), ("Versions", report.versions))
    return (
        "<section><h2>Time, memory, settings</h2>"
        '<div class="figures">'
        + "".join(
            f"<figure><figcaption>{title}</figcaption><dl>"
            f"{''.join(f'<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>' for name, value in some.items())}</dl>"
            "</figure>"
            for title, some in blocks
        )
        + f'</div>{skipped}<p class="note">Every figure: report.json, beside this page.</p></section>'
    )


def _items(lines: Iterable[str]) -> str:
    return "".join(f"<li>{escape(line)}</li>" for line in lines)
