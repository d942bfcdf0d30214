"""The seam to stored vectors."""

import numpy as np

from samekind.collection.lock import writing
from samekind.encoders.adapted import AdaptedEncoder
from samekind.encoders.base import encode_pictures
from samekind.encoders.experts import Experts
from samekind.encoders.known import Known, Reach
from samekind.evaluation import vectors
from samekind.evaluation.labels import read_labels
from samekind.evaluation.vectors import SetVectors, joined, vectors_of
from samekind.events import Job, Warned
from samekind.pictures.decode import Limits, decode
from samekind.pictures.views import SECOND_VIEWS
from samekind.settings import resolve


def a_set(first: float, count: int, view_rows: list[int]) -> SetVectors:
    look = np.arange(count, dtype=np.float32)[:, None] + first
    views = np.repeat(look[view_rows][:, None], 2, axis=1)
    return SetVectors(np.arange(count), look, views, np.array(view_rows))


def test_equal_to_decoding_and_encoding_by_hand(draw_set, encoder):
    (labelled,) = read_labels([draw_set("left", each=2)])
    found = Job(vectors_of(labelled, encoder, resolve())).result()
    pixels = [decode((labelled.folder / path).read_bytes(), Limits()).pixels for path in labelled.paths]
    assert list(found.rows) == list(range(10))
    np.testing.assert_allclose(found.look, encode_pictures(encoder, pixels), atol=2e-3)
    assert sorted(found.view_rows) == list(range(10))
    for at, row in enumerate(found.view_rows):
        by_hand = encode_pictures(encoder, [view(pixels[row]) for view in SECOND_VIEWS.values()])
        np.testing.assert_allclose(found.views[at], by_hand, atol=2e-3)


def test_a_changed_picture_is_encoded_again_and_a_dropped_row_is_left_out(draw_set, encoder):
    file = draw_set("left", each=2)
    (labelled,) = read_labels([file])
    first = Job(vectors_of(labelled, encoder, resolve())).result()
    (labelled.folder / labelled.paths[9]).write_bytes((labelled.folder / labelled.paths[0]).read_bytes())
    fewer = labelled.take([0, 5, 9])
    second = Job(vectors_of(fewer, encoder, resolve())).result()
    np.testing.assert_array_equal(second.look[[0, 1]], first.look[[0, 5]])
    np.testing.assert_array_equal(second.look[2], first.look[0])


def test_waits_for_another_process(draw_set, encoder, monkeypatch):
    monkeypatch.setattr(vectors, "_WAIT_SECONDS", 0.01)
    (labelled,) = read_labels([draw_set("left", each=2)])
    Job(vectors_of(labelled, encoder, resolve())).result()
    with writing(vectors.cached(labelled.folder, encoder)):
        job = Job(vectors_of(labelled, encoder, resolve()))
        events = iter(job)
        assert next(event for event in events if isinstance(event, Warned)).message.startswith("Another process")
    assert len(job.result().look) == 10


def test_an_adapted_encoder_maps_the_cached_vectors_of_its_base(draw_set, encoder):
    rng = np.random.default_rng(0)
    nothing = np.zeros((1, 3), np.float32)
    frame = np.eye(3, dtype=np.float32)
    mix = Experts((1,), nothing[0], frame, nothing, nothing, rng.normal(size=(1, 3, 3)).astype(np.float32))
    adapted = AdaptedEncoder("mine", encoder, (mix,), "a" * 16)
    (labelled,) = read_labels([draw_set("left", each=2)])
    plain = Job(vectors_of(labelled, encoder, resolve())).result()
    seen = encoder.seen
    found = Job(vectors_of(labelled, adapted, resolve())).result()
    assert encoder.seen == seen
    np.testing.assert_array_equal(found.rows, plain.rows)
    np.testing.assert_array_equal(found.view_rows, plain.view_rows)
    np.testing.assert_array_equal(found.look, adapted.adapt(plain.look))
    np.testing.assert_array_equal(found.views[:, 1], adapted.adapt(plain.views[:, 1]))
    assert not np.allclose(found.look, plain.look, atol=0.1)


def test_what_a_trained_encoder_leaves_plain_is_plain(draw_set, encoder):
    rng = np.random.default_rng(0)
    nothing, frame = np.zeros((1, 3), np.float32), np.eye(3, dtype=np.float32)
    mix = Experts((1,), nothing[0], frame, nothing, nothing, rng.normal(size=(1, 3, 3)).astype(np.float32))
    beyond = Reach(nothing[0], frame, np.full(3, 2, np.float32))
    adapted = AdaptedEncoder("mine", encoder, (mix,), "b" * 16, known=Known(beyond, beyond, lambda: encoder))
    (labelled,) = read_labels([draw_set("left", each=2)])
    plain, found = (Job(vectors_of(labelled, one, resolve())).result() for one in (encoder, adapted))
    np.testing.assert_array_equal(found.look, plain.look)
    assert not np.allclose(adapted.adapt(plain.look), plain.look, atol=0.1)


def test_take_numbers_views_anew():
    look, views, view_rows = a_set(10, 5, [0, 2, 4]).take(np.array([2, 3, 4]))
    assert look.ravel().tolist() == [12, 13, 14]
    assert view_rows.tolist() == [0, 2]
    np.testing.assert_array_equal(views[:, 0], look[view_rows])


def test_keep_and_joined():
    one = a_set(0, 4, [1, 3]).keep(np.array([1, 2]))
    assert one.rows.tolist() == [1, 2]
    assert one.view_rows.tolist() == [0]
    both = joined([one, a_set(10, 3, [2])])
    assert both.look.ravel().tolist() == [1, 2, 10, 11, 12]
    assert both.view_rows.tolist() == [0, 4]
    np.testing.assert_array_equal(both.views[:, 0], both.look[both.view_rows])


def test_the_cache_is_told_apart_by_folder_and_encoder(draw_set, encoder):
    one, other = read_labels([draw_set("left"), draw_set("right")])
    places = {
        vectors.cached(labelled.folder, coder) for labelled in (one, other) for coder in (encoder, type(encoder)("b"))
    }
    assert len(places) == 4
