"""What the report of an adaptation says, in sentences and tables that the page and the terminal share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from samekind.adapt.gate import Verdict
from samekind.adapt.insight import Growth
from samekind.evaluation import words
from samekind.evaluation.adapted import SETTINGS, LabelScores, Report
from samekind.evaluation.report import aligned
from samekind.evaluation.words import HEADLINES, Table, percent, signed

NAMES = {
    "training": "what was trained",
    "experts": "the closed form",
    "grown": "what is added",
    "kept": "what is kept",
}
_SKIPS_SHOWN = 5


def headline(report: Report) -> tuple[str, str]:
    """The verdict in a word or two, and what it means in one line."""
    adapted = report.adapted
    if adapted.accepted and worse(report):
        tag = "Accepted" if report.labels and report.labels.better else "Accepted, but labels disagree"
        return tag, _disagreement(report)
    count = len(adapted.collections)
    if adapted.accepted and adapted.insight.growth:
        return "Accepted", f"{f'{count} collections' if count > 1 else 'One collection'} added, the rest as it was"
    if adapted.accepted:
        return "Accepted", f"One encoder for {f'{count} collections' if count > 1 else 'one collection'}"
    if adapted.encoder:
        return "Refused in part", "The closed form is written, not what was trained"
    return "Refused", "It would make search worse; nothing is written"


def worse(report: Report) -> list[str]:
    """The labelled sets that the new encoder searches worse."""
    return report.labels.worse if report.labels else []


def verdict(report: Report) -> list[str]:
    """The outcome in a few sentences, the most important first."""
    adapted = report.adapted
    count = len(adapted.collections)
    each = "each collection" if count > 1 else "the collection"
    if adapted.accepted:
        told = ", without being told which one a picture is from" if count > 1 else ""
        said = [
            "Judged without labels, by pictures that took no part, the new encoder does as well as "
            f"{each} tuned by itself{told}."
        ]
    elif adapted.encoder:
        said = [
            "What was trained would have made search worse, so the encoder in the folder is the closed form, which "
            f"does as well as {each} tuned by itself."
        ]
    else:
        said = [f"It would have made search worse. Stay with the tuning that {each} has."]
    if spared := adapted.insight.spared:
        names = ", ".join(spared)
        said.append(f"Training made {names} worse to a second network; pictures like those are left as they were.")
    if (kept := adapted.insight.words) and adapted.encoder:
        found = f"neutral words find {kept.after:.0%} of their first ten pictures again (else {kept.before:.0%})"
        said.append(
            f"Words were re-aligned: {found}."
            if kept.kept
            else f"The encoder's own words are lost, since re-aligned {found}; words go by concepts."
        )
    if growth := adapted.insight.growth:
        said += [*growth_lines(growth), adapted.why.rpartition("; ")[2].capitalize() + "."]
    said += refusals(report)
    by_labels = _compared(report.labels)
    return [by_labels[0], *said] if worse(report) else [*said, *by_labels]


def refusals(report: Report) -> list[str]:
    """What was refused, and why, a sentence each."""
    return [
        f"{NAMES[name].capitalize()} was refused: {found.why}."
        for name, found in report.adapted.verdicts.items()
        if not found.accepted
    ]


def shown_verdict(report: Report) -> tuple[str, Verdict]:
    """Whose figures stand first: those of what was written, else of what was refused last."""
    verdicts = report.adapted.verdicts
    name = next((name for name, found in verdicts.items() if found.accepted), list(verdicts)[-1])
    return name, verdicts[name]


def growth_lines(growth: Growth) -> list[str]:
    """Whom the router takes for new, a sentence each."""

    def told(shares: Mapping[str, float]) -> str:
        return ", ".join(f"{name} {percent(share)} %" for name, share in shares.items())

    lines = [f"Taken for new: {told(growth.new)}."]
    if growth.kept_views:
        lines.append(f"Second views of kept pictures taken for new: {told(growth.kept_views)}.")
    return lines


MEASURES = {"neighbours": "neighbours kept", "found": "found", "alike": "alike to another network"}


def gate_table(found: Verdict, pictures: Mapping[str, int]) -> Table:
    """One row a collection, then all together: shares before and after, change, the fall that is allowed.

    Where a second network was asked, what it says decides instead of the neighbours that views keep.
    """
    every = {**found.collections, **({"all together": found.overall} if len(found.collections) > 1 else {})}
    witness = any(one.alike is not None for one in every.values())
    kinds = ["neighbours", "found", *(["alike"] if witness else [])]
    rows = [["", "verdict", "pictures", *(cell for kind in kinds for cell in (MEASURES[kind], "change", "allowed"))]]
    for name, one in every.items():
        row = [name, "passed" if one.passed else "worse", f"{pictures.get(name, sum(pictures.values())):,}"]
        for kind in kinds:
            before, after, margin = (getattr(one, f"{kind}{end}") for end in ("_before", "", "_margin"))
            if after is None:
                row += ["", "", ""]
                continue
            decides = kind != "neighbours" or one.alike is None
            row += [
                f"{percent(before)} → {percent(after)}",
                signed(after - before),
                signed(-margin) if decides else "",
            ]
        rows.append(row)
    return rows


def labels_table(labels: LabelScores) -> Table:
    """One row a set, then the mean and the joint gallery: R@1 / MAP@R of each way to search."""
    rows = [["R@1 / MAP@R", *(SETTINGS[key] for key in labels.by)]]
    for name, row in labels.rows().items():
        rows.append([name, *(" / ".join(percent(found[metric]) for metric in HEADLINES) for found in row.values())])
    return rows


def clock(seconds: float) -> str:
    """Such as "48 s" or "12 min 5 s"."""
    whole = round(seconds)
    return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"


def size(number: int) -> str:
    """Such as "812 MB" or "1.3 GB"."""
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.0f} MB"


def text(report: Report) -> str:
    """For a terminal: the verdict, figures, and what it took."""
    adapted, insight = report.adapted, report.adapted.insight
    first = "accepted" if adapted.accepted else "refused"
    blocks = ["\n".join([f"{first}: {adapted.why}", *_written(report)])]
    blocks[0] += f"\n{_disagreement(report)}." if worse(report) else ""
    for name, found in adapted.verdicts.items():
        blocks.append(f"{NAMES[name].capitalize()}, percent\n{aligned(gate_table(found, adapted.pictures))}")
    if report.labels is not None:
        blocks.append("\n".join([aligned(labels_table(report.labels)), *_compared(report.labels)]))
    lines = growth_lines(insight.growth) if insight.growth else []
    for kind, some in (("Clusters learned from", insight.trained_on), ("Groups of the experts", insight.groups)):
        told = ", ".join(f"{len(one.sizes):,} (purity {percent(one.purity)} %)" for one in some if len(one.sizes) > 1)
        lines += [f"{kind}: {told}"] if told else []
    if insight.losses:
        told = ", ".join(f"{curve[0]:.2f} -> {curve[-1]:.2f}" for curve in insight.losses.sets)
        lines.append(f"Losses: {told}")
    for one in insight.attention:
        for level, groups in enumerate(one.levels):
            told = ", ".join(f"{name} {used[level]:.1f}" for name, used in one.used.items())
            lines += [f"Experts in use, of {groups} ({one.part}): {told}"] if groups > 1 else []
    for skip in insight.skipped[:_SKIPS_SHOWN]:
        lines.append(f"Skipped {skip.path}: {skip.reason}")
    more = len(insight.skipped) - _SKIPS_SHOWN
    lines += [f"and {more:,} more skipped"] if more > 0 else []
    lines.append(took(report))
    blocks.append("\n".join(lines))
    if adapted.encoder:
        blocks.append(f"Use it: samekind sync FOLDER --into C --encoder {adapted.encoder}\nReport: {report.page}")
    return "\n\n".join(blocks).replace("→", "->") + "\n"


def took(report: Report) -> str:
    """Time, memory and disk in one line."""
    steps = ", ".join(f"{name} {clock(seconds)}" for name, seconds in report.seconds.items())
    said = f"{clock(sum(report.seconds.values()))}: {steps}"
    said += f"; memory {size(report.peak_bytes)} at most" if report.peak_bytes else ""
    tokens = report.adapted.insight.token_bytes
    return said + (f"; token cache {size(tokens)}, taken away again" if tokens else "")


def _written(report: Report) -> list[str]:
    if report.adapted.encoder is None:
        return ["Nothing was written; each collection keeps its own tuning."]
    return [] if report.adapted.accepted else ["The closed form was written instead of what was trained."]


def _disagreement(report: Report) -> str:
    better = "better on the whole, but " if report.labels and report.labels.better else ""
    return f"By your labels it is {better}worse in {', '.join(worse(report))}"


def _compared(labels: LabelScores | None) -> list[str]:
    compared = labels.compared if labels else None
    if compared is None or compared.against is None:
        return []
    ours = replace(compared, setting="By your labels the new encoder")
    return words.comparison(ours, replace(compared.against, setting="its base (both tuned)"))
