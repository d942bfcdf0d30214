"""Figure 9: one encoder adapted to the six sets of the Grappa paper, measured on classes that it has not seen.

    python benchmarks/mrt/run.py --aircraft DIR --cars DIR --cub DIR --flowers DIR --food DIR --products DIR

Folders as the sets are unpacked; `sets.py` says which, and how each is halved. The first halves of all sets together
are what is learned from, without labels; each second half is searched, every picture of it a query against the rest,
and all second halves in one gallery. A set that is not named is left out, and the table is then not the paper's.

plain          the encoder as it is
each tuned     each set tuned on its own first half; it knows which set a query is from
experts        the closed form of `samekind adapt`
trained        adaptors and closed form, `samekind adapt --method both` (trained on at most 12,000 pictures)

Adapted rows are measured whatever the gate says; what it says is a column. Recall@1 and mean average precision over
the whole ranking, in percent; differences to plain with 95 % intervals of a bootstrap over queries, paired.

The six sets together are 266,000 pictures: hours of encoding with dino on two cores, kept in the cache folder, and some
20 minutes a row to rank the joint gallery.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from common import save
from sets import SETS, read, write_labels
from spaces import Sides, sides, tuned

from samekind import Encoder
from samekind.adapt import trained
from samekind.adapt.closed_form import fit_mix, judge_mix
from samekind.adapt.gate import Verdict
from samekind.adapt.gather import Gathered
from samekind.cli.progress import follow
from samekind.encoders import load
from samekind.encoders.adapted import AdaptedEncoder, fingerprint
from samekind.encoders.rows import map_parts
from samekind.errors import SamekindError
from samekind.evaluation.labels import LabelledSet, read_labels
from samekind.evaluation.measure import joined_labels
from samekind.evaluation.metrics import score
from samekind.evaluation.protocols import Task, joined
from samekind.evaluation.ranking import rank
from samekind.evaluation.results import Evaluation, Scores
from samekind.evaluation.vectors import SetVectors, vectors_of
from samekind.events import Job
from samekind.settings import Settings, resolve

METRICS = ("recall@1", "map")


@dataclass(frozen=True)
class Halved:
    """One set: what the fit sees of its first half, and its second half, labelled, with plain vectors.

    ``broken`` pictures of the set could not be used.
    """

    seen: Gathered
    labelled: LabelledSet
    vectors: SetVectors
    broken: int

    @property
    def task(self) -> Task:
        """Every picture a query against all others."""
        everything = np.arange(len(self.labelled), dtype=np.int64)
        return Task(everything[:0], everything, everything)


def halved(name: str, folder: Path, encoder: Encoder, settings: Settings) -> Halved:
    """Reads a set, writes its labels files, and encodes both halves. Second views are taken of the first half."""
    train, test = (replace(one, name=name) for one in map(_labels_of, write_labels(name, folder)))
    first = follow(Job(vectors_of(train, encoder, settings)))
    second = follow(Job(vectors_of(test, encoder, settings)))
    files = tuple(train.folder / train.paths[row] for row in first.rows)
    seen = Gathered(name, first.look, first.views, first.view_rows, files)
    broken = len(train) + len(test) - len(first.rows) - len(second.rows)
    return Halved(seen, test.take(second.rows), replace(second, rows=np.arange(len(second.rows))), broken)


def _labels_of(file: Path) -> LabelledSet:
    return read_labels([file])[0]


def settings_of(
    sets: Sequence[Halved], encoder: Encoder, training: bool, seed: int, settings: Settings
) -> Iterator[tuple[str, Verdict | None, list[Sides]]]:
    """Each way to make one space (or six) of the second halves, with the gate's verdict where there is one."""
    parts, seen, looks = encoder.parts, [one.seen for one in sets], [one.vectors.look for one in sets]
    yield "plain", None, [(look, look) for look in looks]
    yield "each tuned", None, [sides(tuned([one], parts), look) for one, look in zip(seen, looks, strict=True)]
    mix = partial(map_parts, parts, fit_mix(seen, parts, seed))
    yield "experts", judge_mix(seen, parts, seed)[0], [(look, look) for look in map(mix, looks)]
    if training:
        found = follow(Job(trained.train_candidate(seen, encoder, True, seed, settings)))
        print_ = fingerprint(found.base.fingerprint, found.mix, known=found.known)
        network = AdaptedEncoder("trained", found.base, found.mix, print_, known=found.known)
        adapted = [follow(Job(vectors_of(one.labelled, network, settings))) for one in sets]
        yield "trained", found.verdict, [(one.look, one.look) for one in adapted]


def evaluation(setting: str, sets: Sequence[Halved], made: Sequence[Sides]) -> Evaluation:
    """Scores of each second half, and of all in one gallery."""
    each = [scored(one.labelled, one.task, both) for one, both in zip(sets, made, strict=True)]
    whole = joined([one.task for one in sets], [len(one.labelled) for one in sets])
    asked, stored = (np.concatenate(side) for side in zip(*made, strict=True))
    joint = scored(joined_labels([one.labelled for one in sets]), whole, (asked, stored))
    return Evaluation(setting, {}, tuple(each), joint)


def scored(labelled: LabelledSet, task: Task, made: Sides) -> Scores:
    """Recall@1 and mean average precision of every query that has something to find."""
    codes = np.unique(np.array(labelled.labels), return_inverse=True)[1].astype(np.int64)
    asked, stored = made
    kinds = {"label": (codes[task.queries], codes[task.gallery])}
    ranking = rank(asked[task.queries], stored[task.gallery], task.own, kinds, 1)
    values = score(ranking.found["label"])
    queries = tuple(labelled.paths[task.queries[row]] for row in ranking.scored["label"])
    return Scores(labelled.name, {name: values[name] for name in METRICS}, queries)


def rows_of(found: Sequence[Evaluation], gates: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """One row a setting, and one for what it gains over the first of them, plain."""
    for one in found:
        joint = [one.joint] if one.joint else []
        values = {"mean": one.mean} | {each.name: each.intervals for each in (*joint, *one.sets)}
        cells = {
            name: " / ".join(f"{100 * each[metric].mean:.1f}" for metric in METRICS) for name, each in values.items()
        }
        yield {"setting": one.setting, "gate": gates.get(one.setting, "")} | cells
        if one is found[0]:
            continue
        gains = replace(one, against=found[0]).differences
        yield {"setting": f"{one.setting} less plain", "gate": ""} | {
            name: " / ".join(
                f"{100 * gain.mean:+.1f} ({100 * gain.low:+.1f} to {100 * gain.high:+.1f})"
                for gain in (gains[name][metric] for metric in METRICS)
            )
            for name in cells
        }


def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the folders that are named, and measures every setting."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, one in SETS.items():
        options.add_argument(f"--{name}", type=Path, metavar="DIR", help=one.title)
    options.add_argument("--encoder", default="dino")
    options.add_argument("--method", choices=("both", "experts"), default="both", help="experts: nothing is trained")
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args(arguments)
    folders = {name: folder for name in SETS if (folder := getattr(chosen, name)) is not None}
    if not folders:
        options.error(f"name the folder of one or more sets: {', '.join(f'--{name}' for name in SETS)}")
    settings = resolve({"encoder": chosen.encoder})
    training = chosen.method == "both"
    if training:
        trained.check_trainable(chosen.encoder, settings)
    encoder = load.load_encoder(chosen.encoder, settings)
    sets = [halved(name, folder, encoder, settings) for name, folder in folders.items()]
    found, gates, notes = [], {}, list(_notes(folders, training))
    notes += [
        f"Pictures of {SETS[one.seen.name].title} that could not be read: {one.broken}." for one in sets if one.broken
    ]
    for setting, verdict, made in settings_of(sets, encoder, training, chosen.seed, settings):
        found.append(evaluation(setting, sets, made))
        if verdict is not None:
            gates[setting] = "accepted" if verdict.accepted else "refused"
            notes.append(f"The gate on {setting}: {verdict.why}.")
        print(setting, flush=True)
    title = f"The six sets of the Grappa paper ({encoder.name})"
    save("mrt", title, list(rows_of(found, gates)), notes, seed=chosen.seed)


def _notes(folders: Mapping[str, Path], training: bool) -> Iterator[str]:
    yield "Recall@1 / mean average precision in percent; joint: all second halves in one gallery."
    if absent := [one.title for name, one in SETS.items() if name not in folders]:
        yield f"Not the paper's six: without {', '.join(absent)}."
    for name, folder in folders.items():
        classes, whole = read(name, folder).classes, SETS[name].classes
        if classes != whole:
            yield f"{SETS[name].title} is not whole: {classes} classes in its halves instead of {whole}."
    if not training:
        yield "Nothing was trained, as asked."


if __name__ == "__main__":
    try:
        main()
    except SamekindError as error:
        raise SystemExit(str(error)) from None
