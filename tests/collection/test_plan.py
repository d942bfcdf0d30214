"""A model of the table, brought to what was found by applying plans, also when a run breaks off half-way."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from samekind.collection.plan import MISSING, PRESENT, SKIPPED, Found, Place, Plan, Scope, Stored, plan, unsettled

BROKEN = 9
"""The content that cannot be decoded."""

Files = dict[Place, tuple[int, int]]
"""Place -> content and time."""


def hash_of(content: int) -> str:
    return f"{content:032x}"


def size_of(content: int) -> int:
    return 100 + content % 3


@dataclass
class Model:
    """The table as a dict, and how many contents were encoded."""

    rows: dict[str, Stored] = field(default_factory=dict)
    encoded: int = 0

    def plan(self, files: Files, scopes: list[Scope], away: frozenset[str] = frozenset()) -> Plan:
        found = [Found(*place, size_of(content), time) for place, (content, time) in sorted(files.items())]
        stored = list(self.rows.values())
        hashes = {file.place: hash_of(files[file.place][0]) for file in unsettled(stored, found)}
        return plan(stored, found, scopes, hashes, away)

    def apply(self, planned: Plan, files: Files, steps: int | None = None) -> None:
        """Does the first ``steps`` writes of a plan."""
        before = dict(self.rows)
        writes: list[Stored] = []
        for item in planned.revised:
            old = before[item.id]
            writes.append(self._row(item.id, item.found, old.hash, old.reason))
        for one in planned.carried:
            source = before[one.source]
            writes.append(self._row(one.item.id, one.item.found, source.hash, source.reason))
        for group in planned.encode:
            contents = {files[item.found.place][0] for item in group}
            assert len(contents) == 1
            self.encoded += 1
            reason = "broken" if contents == {BROKEN} else None
            writes += [self._row(item.id, item.found, hash_of(*contents), reason) for item in group]
        writes += [before[id_]._replace(state=MISSING) for id_ in planned.missing]
        for row in writes[:steps]:
            if row.state == MISSING:
                row = self.rows[row.id]._replace(state=MISSING)
            self.rows[row.id] = row

    def _row(self, id_: str, found: Found, hash_: str | None, reason: str | None) -> Stored:
        state = SKIPPED if reason else PRESENT
        return Stored(id_, found.root, found.path, hash_, found.size, found.mtime_ns, state, reason)

    def here(self) -> dict[Place, tuple[str | None, bool]]:
        rows = [row for row in self.rows.values() if row.state != MISSING]
        places = {row.place: (row.hash, row.state == SKIPPED) for row in rows}
        assert len(places) == len(rows), "two rows at one place"
        return places


def wanted(files: Files) -> dict[Place, tuple[str | None, bool]]:
    return {place: (hash_of(content), content == BROKEN) for place, (content, _) in files.items()}


places = st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["1", "2", "x/1", "x/2", "y/3"]))
contents = st.integers(0, BROKEN)


@st.composite
def histories(draw: st.DrawFn) -> list[Files]:
    """States of a disk, one after the other; a changed content comes with another time."""
    states: list[Files] = []
    clock = 0
    for _ in range(draw(st.integers(1, 4))):
        before = states[-1] if states else {}
        state: Files = {}
        for place, content in draw(st.dictionaries(places, contents, max_size=8)).items():
            clock += 1
            kept = before.get(place)
            state[place] = kept if kept and kept[0] == content else (content, clock)
        states.append(state)
    return states


WHOLE = [Scope("a"), Scope("b")]


@given(histories())
def test_applying_a_plan_gives_what_was_found_and_nothing_is_left_to_do(history: list[Files]) -> None:
    model = Model()
    for files in history:
        model.apply(model.plan(files, WHOLE), files)
        assert model.here() == wanted(files)
        again = model.plan(files, WHOLE)
        assert again.nothing
        assert again.counts["same"] == len(files)


@given(histories(), st.data())
def test_a_run_that_breaks_off_anywhere_is_made_good_by_the_next(history: list[Files], data: st.DataObject) -> None:
    model = Model()
    for files in history:
        for _ in range(data.draw(st.integers(0, 3))):
            model.apply(model.plan(files, WHOLE), files, data.draw(st.integers(0, 6)))
        model.apply(model.plan(files, WHOLE), files)
        assert model.here() == wanted(files)
        assert model.plan(files, WHOLE).nothing


@given(histories())
def test_counts_cover_every_file_and_every_row_that_goes(history: list[Files]) -> None:
    model = Model()
    for files in history:
        planned = model.plan(files, WHOLE)
        counts = dict(planned.counts)
        gone = counts.pop("missing")
        assert sum(counts.values()) == len(files)
        assert gone == len(planned.missing)
        model.apply(planned, files)


@given(histories(), st.sampled_from([[], [Scope("a")], [Scope("a", "x/")]]))
def test_only_what_a_scope_covers_goes_missing(history: list[Files], scopes: list[Scope]) -> None:
    model = Model()
    model.apply(model.plan(history[0], WHOLE), history[0])
    planned = model.plan({}, scopes)
    assert set(planned.missing) == {row.id for row in model.rows.values() if any(one.covers(row) for one in scopes)}


@given(histories())
@settings(max_examples=50)
def test_known_content_is_never_encoded_again(history: list[Files]) -> None:
    model = Model()
    for files in history:
        before = {row.hash for row in model.rows.values()}
        planned = model.plan(files, WHOLE)
        for group in planned.encode:
            assert hash_of(files[group[0].found.place][0]) not in before
        distinct = {content for content, _ in files.values() if hash_of(content) not in before}
        assert len(planned.encode) == len(distinct)
        model.apply(planned, files)


def test_a_renamed_file_keeps_its_id() -> None:
    model = Model()
    model.apply(model.plan({("a", "1"): (1, 1)}, WHOLE), {("a", "1"): (1, 1)})
    (id_,) = model.rows
    moved = {("b", "x/2"): (1, 1)}
    planned = model.plan(moved, WHOLE)
    assert planned.counts["moved"] == 1
    model.apply(planned, moved)
    assert list(model.rows) == [id_]


def test_of_two_candidates_the_one_of_the_same_name_has_moved() -> None:
    model = Model()
    files = {("a", "x/1"): (1, 1), ("a", "x/2"): (1, 2)}
    model.apply(model.plan(files, WHOLE), files)
    ids = {row.path: row.id for row in model.rows.values()}
    (item,) = model.plan({("a", "y/2"): (1, 2)}, WHOLE).revised
    assert item.id == ids["x/2"]


def test_a_new_file_at_the_place_of_one_that_moved_gets_an_id_of_its_own() -> None:
    model = Model()
    for files in ({("a", "1"): (1, 1)}, {("a", "2"): (1, 1)}, {("a", "2"): (1, 1), ("a", "1"): (2, 2)}):
        model.apply(model.plan(files, WHOLE), files)
    assert len(model.rows) == 2
    assert model.here() == wanted(files)


def test_pictures_of_a_drive_that_is_away_are_copied_not_moved() -> None:
    model = Model()
    files = {("a", "1"): (1, 1)}
    model.apply(model.plan(files, WHOLE), files)
    elsewhere = {("b", "1"): (1, 1)}
    planned = model.plan(elsewhere, WHOLE, frozenset({"a"}))
    assert (planned.counts["copies"], planned.counts["missing"], planned.counts["moved"]) == (1, 1, 0)
    assert not planned.encode


def test_rows_below_a_folder_that_cannot_be_looked_at_stay() -> None:
    model = Model()
    files = {("a", "x/1"): (1, 1), ("a", "x/2"): (2, 1), ("a", "1"): (3, 1), ("a", "xy"): (4, 1)}
    model.apply(model.plan(files, WHOLE), files)
    planned = plan(list(model.rows.values()), [], WHOLE, {}, (), [("a", "x")])
    assert {model.rows[id_].path for id_ in planned.missing} == {"1", "xy"}


def test_a_broken_file_is_tried_again_only_when_it_changes() -> None:
    model = Model()
    files = {("a", "1"): (BROKEN, 1)}
    model.apply(model.plan(files, WHOLE), files)
    assert model.plan(files, WHOLE).nothing
    mended = {("a", "1"): (1, 2)}
    assert len(model.plan(mended, WHOLE).encode) == 1


def test_what_failed_for_a_passing_reason_is_tried_again() -> None:
    row = Stored("id", "a", "1", None, 100, 1, SKIPPED, "unreadable")
    planned = plan([row], [Found("a", "1", 100, 1)], WHOLE, {})
    assert planned.counts["retried"] == 1
    assert [item.id for group in planned.encode for item in group] == ["id"]


def test_a_touched_file_is_not_encoded() -> None:
    model = Model()
    files = {("a", "1"): (1, 1)}
    model.apply(model.plan(files, WHOLE), files)
    later = {("a", "1"): (1, 2)}
    planned = model.plan(later, WHOLE)
    assert planned.counts["touched"] == 1
    assert not planned.encode


def test_other_columns_are_a_touch() -> None:
    row = Stored("id", "a", "1", hash_of(1), 100, 1, PRESENT, None, {"kind": "cat", "year": None})
    assert plan([row], [Found("a", "1", 100, 1, {"kind": "cat"})], WHOLE, {}).nothing
    assert plan([row], [Found("a", "1", 100, 1, {"kind": "dog"})], WHOLE, {}).counts["touched"] == 1


def test_a_file_whose_size_no_other_picture_has_is_not_hashed() -> None:
    rows = [Stored("id", "a", "1", hash_of(1), 100, 1, PRESENT, None)]
    found = [Found("a", "1", 100, 1), Found("a", "2", 200, 1), Found("a", "3", 100, 1)]
    assert unsettled(rows, found) == [found[2]]


def test_ten_thousand_files_with_one_content_are_one_group() -> None:
    names = [f"{n}" for n in range(10_000)]
    random.Random(0).shuffle(names)
    files = {("a", name): (1, 1) for name in names}
    planned = Model().plan(files, WHOLE)
    assert len(planned.encode) == 1
    assert (planned.counts["new"], planned.counts["copies"]) == (1, 9999)
