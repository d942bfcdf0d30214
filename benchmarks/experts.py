"""Figure 8: one adapted encoder for six sets against each set tuned by itself, and what a set left out makes of it.

    python benchmarks/experts.py    both protocols, three halvings of the classes, dino

Nothing is encoded where `benchmarks/quality.py` has run before. Labels are used for scoring only.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial

import numpy as np
from common import save
from spaces import Map, Run, Sides, loaded, one_map, percent, sides, through, tuned, with_hubs

from samekind import load_encoder
from samekind.adapt.closed_form import fit_mix
from samekind.encoders.rows import map_parts, unit_rows
from samekind.evaluation import protocols

RUNS = {"own": (0,), "new": (0, 1, 2)}


def settings(run: Run) -> Iterator[tuple[str, list[Sides]]]:
    """Each way to make one space (or six) of the sets' vectors."""
    parts, seen = run.encoder.parts, run.seen
    looks = [each.look for each in run.vectors]
    union = one_map(seen, parts)
    alone = [tuned([one], parts) for one in seen]
    mix: Map = partial(map_parts, parts, fit_mix(seen, parts, 0))
    mapped, mapped_seen = list(map(mix, looks)), [through(mix, one) for one in seen]
    on_top = tuned(mapped_seen, parts)
    each_on_top = [tuned([one], parts) for one in mapped_seen]
    others = [fit_mix([one for one in seen if one is not left], parts, 0) for left in seen]
    left_out = [map_parts(parts, other, look) for other, look in zip(others, looks, strict=True)]
    centred = [unit_rows(look - one.vectors.mean(axis=0)) for one, look in zip(seen, looks, strict=True)]
    yield "plain", [(look, look) for look in looks]
    yield "one map for all", [(union.asked(look), union.stored(look)) for look in looks]
    yield "each tuned by itself", [sides(one, look) for one, look in zip(alone, looks, strict=True)]
    yield "the mix", [(look, look) for look in mapped]
    yield "the mix, hubs corrected", with_hubs(mapped, mapped_seen)
    yield "the mix, the union tuned on top", [sides(on_top, look) for look in mapped]
    yield "the mix, each tuned on top", [sides(one, look) for one, look in zip(each_on_top, mapped, strict=True)]
    yield "each left out: its own mean removed", [(look, look) for look in centred]
    yield "each left out: the mix of the others", [(look, look) for look in left_out]


def main() -> None:
    """Every setting under both protocols."""
    encoder = load_encoder("dino")
    sets, vectors = loaded(encoder)
    rows = []
    for protocol, splits in RUNS.items():
        found: dict[str, list[list[list[float]]]] = {}
        for split in splits:
            tasks = [protocols.task_of(one, protocol, split) for one in sets]
            run = Run(sets, vectors, tasks, encoder)
            for setting, made in settings(run):
                found.setdefault(setting, []).append(percent(run.values(made)))
                print(protocol, split, setting, flush=True)
        for setting, values in found.items():
            mean = np.mean(values, axis=0)
            cells = dict(zip([one.name for one in sets], mean, strict=False))
            cells = {"all": mean[:-1].mean(axis=0), "joint gallery": mean[-1], **cells}
            rows.append(
                {"protocol": protocol, "setting": setting}
                | {name: " / ".join(f"{value:.1f}" for value in pair) for name, pair in cells.items()}
            )
    notes = [
        "Recall@1 / MAP@R in percent; `all` is the mean over sets, `new` the mean of three halvings of the classes.",
        "Each tuned by itself knows which set a query is from; the mix, and one map for all, do not.",
    ]
    save("experts", "One encoder for six collections (dino, samekind adapt in closed form)", rows, notes, seed=0)


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    main()
