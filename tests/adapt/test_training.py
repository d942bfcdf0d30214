"""The trunk's twin, the adaptors' identities, the losses, the kept tokens, and the method on a small network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import hypothesis.extra.numpy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from samekind.adapt.adaptors import Adaptors, Fusion, SideBySide, mean, merged, spherical_mean
from samekind.adapt.fusion import Attention, Mean, Query, guard
from samekind.adapt.grappa import Trained, Variant, grappa, spare
from samekind.adapt.losses import (
    REDUNDANCY_SCALE,
    attention_balance,
    attention_consistency,
    contrast,
    graded,
    normalised_softmax,
    redundancy_reduction,
    taught,
)
from samekind.adapt.tokens import CROPS, Tokens, bytes_of, keep_tokens, random_crops
from samekind.adapt.train import Lesson, embed, shares_of
from samekind.adapt.trunk import UpperNetwork
from samekind.encoders import load
from samekind.encoders.graph import cut_at, with_adaptors
from samekind.encoders.points import points_of
from samekind.encoders.rows import unit_rows
from samekind.encoders.runtime import Network
from samekind.encoders.vit import build_vit
from samekind.errors import CollectionBusy, StorageError, UsageError
from samekind.events import Job, Skipped
from samekind.pictures.views import View
from samekind.settings import Settings
from samekind.tuning.experts import fit_experts
from tests.adapt.networks import SIDE, write_vit
from tests.encoders.small import VIT, WIDTH, pictures, run, vit_tensors

torch = pytest.importorskip("torch", reason="training wants torch: pip install 'samekind[adapt]'")

BLOCKS = 4
TENSORS = vit_tensors(grid=3, blocks=BLOCKS)


def network() -> object:
    return build_vit(TENSORS, 42, VIT)


def upper() -> UpperNetwork:
    return UpperNetwork(network(), points_of(network()), "small vit")


def sets_of(sets: int, random: bool = False) -> Adaptors:
    found = Adaptors(upper().points, sets, seed=0)
    if random:
        rng = np.random.default_rng(1)
        found.load(
            {
                name: rng.normal(0, 0.2, tuple(tensor.shape)).astype(np.float16).astype(np.float32)
                for name, tensor in found.tensors.items()
            }
        )
    return found


def lower() -> object:
    return cut_at(network(), next(iter(upper().points)))


def lower_tokens(images: np.ndarray) -> np.ndarray:
    return run(lower(), images).astype(np.float32)


def apart(adaptors: Adaptors, tokens: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return adaptors.apart(upper(), torch.from_numpy(tokens)).numpy()


def fused(adaptors: Adaptors, tokens: np.ndarray, fusion: Fusion | None = None) -> np.ndarray:
    with torch.inference_mode():
        return adaptors.fused(upper(), torch.from_numpy(tokens), fusion or Mean()).numpy()


def test_the_order_of_sets_does_not_matter() -> None:
    tokens, adaptors, turned = lower_tokens(pictures(3, 42)), sets_of(3, random=True), sets_of(3)
    turned.load({name: tensor[[2, 0, 1]] for name, tensor in adaptors.to_numpy().items()})
    np.testing.assert_allclose(apart(turned, tokens), apart(adaptors, tokens)[[2, 0, 1]], atol=1e-5)
    np.testing.assert_allclose(fused(turned, tokens), fused(adaptors, tokens), atol=1e-5)


def test_routed_pictures_go_through_their_own_set() -> None:
    tokens, adaptors = lower_tokens(pictures(6, 42)), sets_of(3, random=True)
    with torch.inference_mode():
        found = adaptors.routed(upper(), torch.from_numpy(tokens)).numpy()
    expected = np.concatenate([apart(adaptors, tokens)[one, 2 * one : 2 * one + 2] for one in range(3)])
    np.testing.assert_allclose(found, expected, atol=1e-5)


def attention(adaptors: Adaptors, query: Query, seed: int = 2) -> Attention:
    found = Attention(adaptors, seed=0, query=query)
    rng = np.random.default_rng(seed)
    found.load(
        {
            name: (np.eye(tensor.shape[0]) if name.startswith("value") else 0)
            + rng.normal(0, 0.2, tuple(tensor.shape)).astype(np.float32)
            for name, tensor in found.tensors.items()
        }
    )
    return found


def forced(adaptors: Adaptors, chosen: int | None, value: bool = False) -> Attention:
    """Attention that looks at nothing: all on one set (sets in number: the null adaptor), or uniform without null."""
    found = attention(adaptors, "picture")
    for name, tensor in found.tensors.items():
        if name.startswith("query"):
            tensor.data.zero_()
        if name.startswith("value") and not value:
            tensor.data.copy_(torch.eye(len(tensor)))
        if name.startswith("prior"):
            tensor.data.fill_(-1e4 if chosen is not None else 0)
            tensor.data[-1 if chosen is None else chosen] = -1e4 if chosen is None else 0
    return found


@pytest.mark.parametrize("query", ["picture", "token"])
def test_the_runtime_graph_is_the_network_fused_by_attention(query: Query) -> None:
    images, adaptors = pictures(3, 42), sets_of(3, random=True)
    fusion = attention(adaptors, query)
    graph = run(with_adaptors(build_vit(TENSORS, 42, VIT), fusion.exported()), images)
    found = fused(adaptors, lower_tokens(images), fusion=fusion)
    assert (unit_rows(graph) * unit_rows(found)).sum(axis=1).min() > 0.999
    uniform = fused(adaptors, lower_tokens(images))
    assert (unit_rows(uniform) * unit_rows(found)).sum(axis=1).max() < 0.999


def test_one_set_with_all_attention_is_that_set() -> None:
    tokens, adaptors = lower_tokens(pictures(3, 42)), sets_of(3, random=True)
    for one in range(3):
        np.testing.assert_allclose(
            fused(adaptors, tokens, fusion=forced(adaptors, one)), apart(adaptors, tokens)[one], atol=1e-4
        )


def test_the_null_adaptor_leaves_the_trunk_alone() -> None:
    tokens, adaptors = lower_tokens(pictures(3, 42)), sets_of(3, random=True)
    plain = fused(sets_of(1), tokens)
    np.testing.assert_allclose(fused(adaptors, tokens, fusion=forced(adaptors, 3)), plain, atol=1e-5)


def test_without_a_query_attention_is_the_mean() -> None:
    tokens, adaptors = lower_tokens(pictures(3, 42)), sets_of(3, random=True)
    np.testing.assert_allclose(
        fused(adaptors, tokens, fusion=forced(adaptors, None)), fused(adaptors, tokens), atol=1e-4
    )


@pytest.mark.parametrize("query", ["picture", "token"])
def test_without_a_key_all_sets_and_the_null_adaptor_share_alike(query: Query) -> None:
    tokens, adaptors = lower_tokens(pictures(3, 42)), sets_of(3, random=True)
    fusion, less = attention(adaptors, query), sets_of(3)
    for name, tensor in fusion.tensors.items():
        if name.startswith(("key", "null", "prior")):
            tensor.data.zero_()
        if name.startswith("value"):
            tensor.data.copy_(torch.eye(len(tensor)))
    for name, tensor in adaptors.tensors.items():
        less.tensors[name].data.copy_(tensor * (3 / 4 if name.startswith(("up", "offset")) else 1))
    np.testing.assert_allclose(fused(adaptors, tokens, fusion=fusion), fused(less, tokens), atol=1e-4)


def test_values_before_or_after_the_sum_are_the_same() -> None:
    tokens, adaptors = lower_tokens(pictures(3, 42)), sets_of(3, random=True)
    fusion = forced(adaptors, None, value=True)
    before = sets_of(3)
    before.load(adaptors.to_numpy())
    for point in adaptors.points:
        for kind in ("up", "offset"):
            before.tensors[f"{kind}.{point}"].data.copy_(
                adaptors.tensors[f"{kind}.{point}"] @ fusion.tensors[f"value.{point}"]
            )
    np.testing.assert_allclose(fused(before, tokens), fused(adaptors, tokens, fusion=fusion), atol=1e-4)


@pytest.mark.parametrize("query", ["picture", "token"])
def test_shares_sum_to_one_and_go_with_their_sets(query: Query) -> None:
    tokens, adaptors = torch.from_numpy(lower_tokens(pictures(3, 42))), sets_of(3, random=True)
    point = next(iter(adaptors.points))
    order = [2, 0, 1]
    turned = sets_of(3)
    turned.load({name: tensor[order] for name, tensor in adaptors.to_numpy().items()})
    found, moved = attention(adaptors, query), attention(turned, query)
    for name, tensor in moved.tensors.items():
        if name.startswith("prior"):
            tensor.data.copy_(found.tensors[name][[*order, 3]])
    with torch.inference_mode():
        narrow = adaptors.narrow(tokens.reshape(1, -1, WIDTH), point).unflatten(1, tokens.shape[:2])
        shares = found.attention(tokens, narrow, point)
        assert shares.shape == (4, 3, 1 if query == "picture" else 10, 1)
        torch.testing.assert_close(shares.sum(0), torch.ones_like(shares[0]))
        torch.testing.assert_close(moved.attention(tokens, narrow[order], point), shares[[*order, 3]])
    both = [fused(each, tokens.numpy(), fusion=how) for each, how in ((adaptors, found), (turned, moved))]
    np.testing.assert_allclose(both[1], both[0], atol=1e-5)


def test_fusion_learns_alone() -> None:
    trunk, adaptors = upper(), sets_of(2, random=True)
    for tensor in adaptors.tensors.values():
        tensor.requires_grad_(False)
    fusion = attention(adaptors, "picture")
    adaptors.fused(trunk, torch.from_numpy(lower_tokens(pictures(2, 42))), fusion).sum().backward()
    assert all(tensor.grad is None for tensor in (*trunk.frozen.values(), *adaptors.tensors.values()))
    assert all(tensor.grad is not None for tensor in fusion.tensors.values())


@pytest.mark.parametrize("by", [mean, spherical_mean])
def test_merging_sets_that_are_the_same_gives_that_set(by: Callable[[Any], Any]) -> None:
    adaptors, thrice = sets_of(1, random=True), sets_of(3)
    thrice.load({name: np.repeat(tensor, 3, axis=0) for name, tensor in adaptors.to_numpy().items()})
    for name, tensor in merged(thrice, by).to_numpy().items():
        np.testing.assert_allclose(tensor, adaptors.to_numpy()[name], atol=1e-3)


def test_sets_that_are_to_be_merged_begin_as_one() -> None:
    sets, one = Adaptors(upper().points, 3, seed=5, alike=True), Adaptors(upper().points, 1, seed=5)
    for name, tensor in sets.tensors.items():
        torch.testing.assert_close(tensor, one.tensors[name].expand_as(tensor))
    tensor = Adaptors(upper().points, 3, seed=5).tensors[f"down.{next(iter(upper().points))}"]
    assert bool((tensor[0] != tensor[1]).any())


ROWS = hypothesis.extra.numpy.arrays(
    np.float64, st.tuples(st.integers(2, 5), st.integers(3, 8)), elements=st.floats(0.01, 10)
)


@given(ROWS, st.randoms(use_true_random=False))
def test_the_spherical_mean_is_blind_to_order_and_as_long_as_the_mean_length(rows: np.ndarray, chance: Random) -> None:
    order = list(range(len(rows)))
    chance.shuffle(order)
    found = spherical_mean(torch.from_numpy(rows))
    torch.testing.assert_close(spherical_mean(torch.from_numpy(rows[order])), found)
    assert float(found.norm()) == pytest.approx(np.linalg.norm(rows, axis=1).mean())


@given(hypothesis.extra.numpy.arrays(np.float64, (2, 4), elements=st.floats(0.01, 10)))
def test_of_two_the_spherical_mean_is_half_way_along_the_arc(rows: np.ndarray) -> None:
    lengths = np.linalg.norm(rows, axis=1)
    one, other = rows / lengths[:, None]
    angle = np.arccos(np.clip(one @ other, -1, 1))
    hypothesis.assume(angle > 0.01)
    arc = (np.sin(angle / 2) * one + np.sin(angle / 2) * other) / np.sin(angle)
    np.testing.assert_allclose(spherical_mean(torch.from_numpy(rows)), lengths.mean() * arc, rtol=1e-4)


def test_the_spherical_mean_of_what_is_known() -> None:
    corners = torch.eye(3, dtype=torch.float64)
    torch.testing.assert_close(spherical_mean(corners), corners.mean(0) * 3**0.5)
    torch.testing.assert_close(spherical_mean(corners[:2]), corners[:2].mean(0) * 2**0.5)
    for rows in ([[0, 0], [2, 4]], [[3, 1], [-3, -1]], [[1, 1], [3, 3]]):  # zero, opposite, parallel
        some = torch.tensor(rows, dtype=torch.float64)
        torch.testing.assert_close(spherical_mean(some), some.mean(0))
    bent = torch.tensor([[1, 0.1, 0], [0, 1, 0], [0, 0.2, 1]], dtype=torch.float64)
    middle = torch.nn.functional.normalize(spherical_mean(bent), dim=0)
    units = torch.nn.functional.normalize(bent, dim=1)
    cosines = units @ middle
    pulls = (units - cosines[:, None] * middle) * (cosines.acos() / cosines.acos().sin())[:, None]
    torch.testing.assert_close(pulls.sum(0), torch.zeros(3, dtype=torch.float64), atol=1e-9, rtol=0)


def test_a_cosine_of_sets_side_by_side_is_the_mean_of_the_sets_cosines() -> None:
    tokens, adaptors = lower_tokens(pictures(4, 42)), sets_of(3, random=True)
    together = fused(SideBySide(adaptors), tokens)
    alone = unit_rows(apart(adaptors, tokens))
    assert together.shape == (4, 3 * WIDTH)
    np.testing.assert_allclose(together @ together.T, np.mean([one @ one.T for one in alone], axis=0), atol=1e-5)


def test_an_encoder_of_sets_side_by_side_is_wider(tmp_path: Path) -> None:
    name = f"onnx:{write_vit(tmp_path / 'network.onnx')}"
    points = points_of(load.blueprints(name, Settings())[0].build())
    tensors = SideBySide(Adaptors(points, 3, seed=0)).exported()
    kept = {"onnx": {kind: tensor.astype(np.float16).astype(np.float32) for kind, tensor in tensors.items()}}
    plain, wide = (load.with_adaptors(name, each, Settings(threads=1)) for each in ({}, kept))
    assert (wide.dim, wide.parts) == (
        3 * plain.dim,
        (replace(plain.parts[0], stop=3 * plain.dim, name="onnx+adaptors"),),
    )
    assert wide.fingerprint != plain.fingerprint
    seen = [plain.prepare(one) for one in pictures(2, SIDE)]
    np.testing.assert_allclose(wide.encode(seen), np.tile(plain.encode(seen), (1, 3)) / 3**0.5, atol=0.01)


@pytest.mark.parametrize("how", ["mean", "attention", "merged", "slerp", "apart"])
def test_sets_that_add_nothing_are_the_trunk_however_they_are_fused(how: str) -> None:
    tokens, adaptors = lower_tokens(pictures(3, 42)), sets_of(3, random=True)
    plain = unit_rows(fused(sets_of(1), tokens))
    for name, tensor in adaptors.tensors.items():
        if name.startswith(("up", "offset")):
            tensor.data.zero_()
    fusion = attention(adaptors, "token") if how == "attention" else None
    fuse = {"merged": merged, "slerp": partial(merged, by=spherical_mean), "apart": SideBySide}.get(how)
    found = unit_rows(fused(fuse(adaptors) if fuse else adaptors, tokens, fusion))
    np.testing.assert_allclose(found, np.tile(plain, (1, 3)) / 3**0.5 if how == "apart" else plain, atol=1e-5)


def unit(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


def test_the_softmax_is_scale_free_and_blind_to_names() -> None:
    vectors, prototypes = unit(6, 8), unit(4, 8, seed=1)
    labels = torch.tensor([0, 1, 2, 3, 0, 1])
    loss = normalised_softmax(vectors, prototypes, labels)
    torch.testing.assert_close(normalised_softmax(vectors, 5 * prototypes, labels), loss)
    order = torch.tensor([2, 0, 3, 1])
    names = torch.empty(4, dtype=torch.long).scatter_(0, order, torch.arange(4))
    torch.testing.assert_close(normalised_softmax(vectors, prototypes[order], names[labels]), loss)


def test_one_cluster_teaches_nothing() -> None:
    vectors, prototypes = unit(6, 8).requires_grad_(True), unit(1, 8, seed=1).requires_grad_(True)
    loss = normalised_softmax(vectors, prototypes, torch.zeros(6, dtype=torch.long))
    loss.backward()
    assert float(loss.detach()) == 0
    assert float(vectors.grad.abs().max()) == float(prototypes.grad.abs().max()) == 0


def test_with_a_cluster_for_each_picture_its_own_prototype_is_the_best() -> None:
    vectors, own = unit(6, 8), torch.arange(6)
    assert float(normalised_softmax(vectors, vectors, own)) < float(normalised_softmax(vectors, vectors, own.roll(1)))


@given(st.integers(0, 10_000))
def test_who_sees_what_the_teacher_sees_has_nothing_to_pay(seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    ours, theirs, others = (torch.nn.functional.normalize(torch.randn(6, 8, generator=draw), dim=-1) for _ in range(3))
    paid = taught(ours, theirs, ours @ theirs.T, 0.1, 0.1)
    assert float(paid) == pytest.approx(0, abs=1e-5)
    assert float(taught(ours, others, ours @ theirs.T)) > 0
    both = taught(theirs, ours, (others @ ours.T).T)
    torch.testing.assert_close(taught(ours, theirs, others @ ours.T), both)


def test_contrast_is_least_for_the_right_partners() -> None:
    vectors = unit(16, 32)
    assert float(contrast(vectors, vectors)) < float(contrast(vectors, vectors.roll(1, 0)))


def lesson_of(*labels: list[int]) -> Lesson:
    known = [np.array(one) for one in labels]
    rows = np.arange(len(known[0]))
    return Lesson(clumped_tokens()[0], rows, known, rows[:, None], np.zeros((len(rows), WIDTH), np.float32))


def test_a_lesson_with_a_teacher_is_told_whole() -> None:
    lesson = replace(lesson_of([0, 0, 1, 1]), taught=np.eye(4, dtype=np.float32))
    arrays, choices = lesson.told()
    heard = Lesson.heard(lesson.tokens, arrays, choices)
    np.testing.assert_array_equal(heard.taught, lesson.taught)
    assert not heard.has_clusters
    assert Lesson.heard(lesson.tokens, *lesson_of([0, 0, 1, 1]).told()).taught is None
    assert replace(heard, taught=None, pair_loss="contrast").has_clusters


def test_grades_count_common_clusters_and_set_the_partner_apart() -> None:
    found = lesson_of([0, 0, 1, 1], [0, 1, 2, 2]).grades(np.array([0, 2, 3]), np.array([1, 3, 2]))
    assert found.dtype == np.float32
    assert found.tolist() == [[1 + 2, 0, 0], [0, 2 + 2, 2], [0, 2, 2 + 2]]


@given(st.integers(0, 10_000))
def test_without_common_clusters_grades_are_ordinary_contrast(seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    ours, theirs = (torch.nn.functional.normalize(torch.randn(6, 8, generator=draw), dim=-1) for _ in range(2))
    rows = np.arange(6)
    grades = torch.from_numpy(lesson_of(list(range(6))).grades(rows, rows))
    one_way = torch.nn.functional.cross_entropy(ours @ theirs.T / 0.1, torch.arange(6))
    torch.testing.assert_close(graded(ours, theirs, (grades > 0).float()), one_way)
    torch.testing.assert_close(graded(ours, theirs, grades), one_way)


def test_grades_are_served_by_vectors_that_are_alike_by_degrees() -> None:
    """Least where scores are the logarithms of the shares, and greater where near and far are exchanged."""
    grades = torch.tensor([[4.0, 2.0, 1.0, 0.0]]).expand(4, 4)
    ours = torch.tensor([[1.0, 0.0]]).expand(4, 2)
    wanted = torch.expm1(grades[0]).clamp_min(1e-3).log() * 0.1
    wanted = 0.9 + wanted - wanted.max()
    theirs = torch.stack([wanted, (1 - wanted**2).clamp_min(0).sqrt()], 1)
    right = float(graded(ours, theirs, grades))
    for turned in ([1, 0, 2, 3], [0, 2, 1, 3], [3, 1, 2, 0]):
        assert right < float(graded(ours, theirs[turned], grades))


def test_whitened_columns_that_agree_have_no_redundancy() -> None:
    whitened = torch.linalg.qr(torch.randn(64, 17, generator=torch.Generator().manual_seed(0)))[0]
    columns = torch.linalg.qr(torch.cat([torch.ones(64, 1), whitened], 1))[0][:, 1:17] * 64**0.5
    assert float(redundancy_reduction(columns, columns)) < 1e-4
    turned = columns[torch.randperm(64, generator=torch.Generator().manual_seed(1))]
    assert float(redundancy_reduction(columns, turned)) == pytest.approx(16 * REDUNDANCY_SCALE, rel=0.5)
    doubled = torch.cat([columns, columns], 1)
    assert float(redundancy_reduction(doubled, doubled, off_diagonal=0)) < 1e-4
    assert float(redundancy_reduction(doubled, doubled, off_diagonal=1)) > 0.1


def test_a_picture_that_is_its_own_neighbour_has_consistent_attention() -> None:
    shares = torch.rand(8, 5, generator=torch.Generator().manual_seed(0)).softmax(-1)
    assert float(attention_consistency(shares, shares)) == pytest.approx(0, abs=1e-6)
    assert float(attention_consistency(shares, shares.roll(1, 0))) > 1e-4


def test_balance_is_best_where_all_sets_are_used_alike() -> None:
    even, one = torch.full((4, 4), 0.25), torch.eye(4)[:1].expand(4, -1)
    assert float(attention_balance(even)) == pytest.approx(-np.log(4), abs=1e-5)
    assert float(attention_balance(torch.eye(4))) == pytest.approx(-np.log(4), abs=1e-5)
    assert float(attention_balance(one)) == pytest.approx(0, abs=1e-5)


def save(folder: Path, count: int) -> list[Path]:
    files = []
    for number in range(count):
        file = folder / f"{number}.png"
        Image.fromarray(np.random.default_rng(number).integers(0, 256, (60, 50, 3), np.uint8)).save(file)
        files.append(file)
    return files


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Path], Network]:
    monkeypatch.setenv("SAMEKIND_CACHE", str(tmp_path / "cache"))
    (tmp_path / "pictures").mkdir()
    return save(tmp_path / "pictures", 20), Network(lower, Settings(threads=1))


def kept(files: list[Path], network: Network) -> Tokens:
    return Job(keep_tokens(files, network, (10, WIDTH), View("squash", 42), "key", Settings(threads=1))).result()


def test_tokens_are_kept_and_a_killed_run_goes_on(small: tuple[list[Path], Network]) -> None:
    files, network = small
    whole = np.array(kept(files, network).array)
    calls = []

    class Counting:
        def __call__(self, some: np.ndarray) -> np.ndarray:
            calls.append(len(some))
            return network(some)

    again = kept(files, Counting())  # type: ignore[arg-type]
    assert not calls
    with pytest.raises(CollectionBusy, match="Another process is writing to"):
        kept(files, network)
    again.lock.close()
    (again.folder / "done").write_text("16")
    resumed = kept(files, Counting())  # type: ignore[arg-type]
    assert calls == [4 * (1 + CROPS)]
    np.testing.assert_array_equal(resumed.array, whole)
    resumed.drop()
    assert not resumed.folder.exists()


def test_a_picture_that_cannot_be_read_is_left_out(small: tuple[list[Path], Network]) -> None:
    files, network = small
    files[3].write_bytes(b"broken")
    job = Job(keep_tokens(files, network, (10, WIDTH), View("squash", 42), "key", Settings(threads=1)))
    skipped = [event for event in job if isinstance(event, Skipped)]
    assert [one.path for one in skipped] == [str(files[3])]
    assert np.flatnonzero(~job.result().usable).tolist() == [3]


def test_no_room_for_the_tokens_is_one_sentence(
    small: tuple[list[Path], Network], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10})())
    with pytest.raises(StorageError, match="free space, set SAMEKIND_CACHE"):
        kept(*small)


def test_crops_are_parts_of_the_picture() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (1, 40, 3), np.uint8)
    for crop in random_crops(pixels, np.random.default_rng(0)):
        assert crop.shape[0] == 1
        assert 1 <= crop.shape[1] <= 40
    assert bytes_of(10, 257, 384) == 10 * (1 + CROPS) * 257 * 384 * 2


def clumped_tokens(kinds: int = 12, each: int = 16) -> tuple[Tokens, np.ndarray]:
    """Tokens of kinds, with a common direction of noise that differs from view to view."""
    rng = np.random.default_rng(0)
    centre = rng.normal(size=(kinds, 1, 1, 10, WIDTH))
    noise = rng.normal(size=(kinds, each, 1 + CROPS, 1, 1)) * rng.normal(size=WIDTH) * 2
    array = (centre + noise + 0.3 * rng.normal(size=(kinds, each, 1 + CROPS, 10, WIDTH))).astype(np.float16)
    tokens = Tokens(array.reshape(-1, 1 + CROPS, 10, WIDTH), np.ones(kinds * each, bool), Path("none"))
    return tokens, np.repeat(np.arange(kinds), each)


def recall(vectors: np.ndarray, labels: np.ndarray) -> float:
    scores = vectors @ vectors.T
    np.fill_diagonal(scores, -np.inf)
    return float((labels[scores.argmax(axis=1)] == labels).mean())


def test_what_a_teacher_knows_is_learned() -> None:
    """Held-out pictures too come nearer to how it sees them."""
    tokens, labels = clumped_tokens()
    rows = np.setdiff1d(np.arange(len(labels)), np.arange(len(labels))[::5])
    plain = embed(sets_of(1), Mean(), upper(), tokens, np.arange(len(labels)), 0)
    nothing = fit_experts(plain[rows], np.zeros((0, 0, WIDTH), np.float32), rows[:0], np.random.default_rng(0))
    teacher = np.eye(12, dtype=np.float32)[labels % 12]
    found = Job(grappa(upper(), tokens, plain, nothing, rows, rows, 0, taught=teacher)).result()
    centre = plain[rows].mean(axis=0)
    held = np.arange(len(labels))[::5]
    likenesses = (teacher[held] @ teacher[held].T).ravel()
    before, after = (
        np.corrcoef((seen @ seen.T).ravel(), likenesses)[0, 1]
        for seen in (unit_rows(one[held] - centre) for one in (plain, found.look))
    )
    assert after > before
    assert found.losses is not None
    (curve,) = found.losses.sets
    assert curve[-1] < curve[0]


def test_the_method_helps_held_out_pictures_and_repeats_itself() -> None:
    tokens, labels = clumped_tokens()
    everything = np.arange(len(labels))
    plain = embed(sets_of(1), Mean(), upper(), tokens, everything, 0)
    rows = np.setdiff1d(everything, everything[::5])
    mix = fit_experts(plain[rows], np.zeros((0, 0, WIDTH), np.float32), rows[:0], np.random.default_rng(0))

    def once() -> dict[str, np.ndarray]:
        found = Job(grappa(upper(), tokens, plain, mix, rows, rows, seed=0)).result()
        assert found.look.shape == plain.shape
        assert found.views.shape == (len(rows), CROPS, WIDTH)
        assert len(found.labels) == found.sets.sets
        centre = plain[rows].mean(axis=0)
        before = recall(unit_rows(plain - centre), labels)
        assert recall(unit_rows(found.look - found.look[rows].mean(axis=0)), labels) >= before
        return found.tensors

    first, second = once(), once()
    for name, tensor in first.items():
        np.testing.assert_array_equal(tensor, second[name])


@pytest.mark.parametrize(
    "variant",
    [
        Variant(sizes=(16,), epochs=(5,)),
        Variant(routed=False),
        Variant(fusion="attention", consistency=1.0),
        Variant(fusion="attention", query="token", pair_loss="redundancy"),
        Variant(fusion="merged", pairs="views"),
        Variant(fusion="slerp"),
        Variant(fusion="apart"),
    ],
)
def test_every_variant_trains_a_network(variant: Variant) -> None:
    tokens, labels = clumped_tokens()
    rows = np.arange(len(labels))
    plain = embed(sets_of(1), Mean(), upper(), tokens, rows, 0)
    mix = fit_experts(plain, np.zeros((0, 0, WIDTH), np.float32), rows[:0], np.random.default_rng(0))
    found = Job(grappa(upper(), tokens, plain, mix, rows, rows, 0, variant)).result()
    assert recall(unit_rows(found.look - found.look.mean(axis=0)), labels) >= recall(
        unit_rows(plain - plain.mean(axis=0)), labels
    )
    sets = found.sets.sets
    assert sets == (1 if variant.fusion in ("merged", "slerp") else len(found.labels))
    width = WIDTH * (sets if variant.fusion == "apart" else 1)
    assert found.look.shape == (len(rows), width)
    assert found.views.shape == (len(rows), CROPS, width)
    if found.fusion is not None:
        shares = shares_of(found.fusion, upper(), tokens, rows)
        assert shares.shape == (len(labels), len(upper().points), sets + 1)
        np.testing.assert_allclose(shares.sum(axis=2), 1, atol=1e-3)
    images = pictures(3, 42)
    adapted = run(with_adaptors(build_vit(TENSORS, 42, VIT), found.tensors), images)
    assert adapted.shape == (3, width)
    assert np.isfinite(adapted).all()


def test_sets_that_stay_apart_spare_nothing() -> None:
    tokens, labels = clumped_tokens(kinds=2, each=4)
    rows, look = np.arange(len(labels)), np.zeros((8, 2 * WIDTH), np.float32)
    trained = Trained(SideBySide(sets_of(2)), {}, look, look[:, None], (), None)
    with pytest.raises(UsageError, match="stay apart can spare no pictures; take another fusion"):
        Job(spare(trained, upper(), tokens, rows, rows, labels == 0)).result()


def test_pictures_that_are_spared_stay_as_they_were_and_others_do_not() -> None:
    tokens, labels = clumped_tokens()
    everything, left = np.arange(len(labels)), labels < 4
    rows = np.setdiff1d(everything, everything[::5])
    plain = embed(sets_of(1), Mean(), upper(), tokens, everything, 0)
    mix = fit_experts(plain[rows], np.zeros((0, 0, WIDTH), np.float32), rows[:0], np.random.default_rng(0))
    found = Job(grappa(upper(), tokens, plain, mix, rows, rows, 0)).result()
    spared = Job(spare(found, upper(), tokens, rows, rows, left)).result()
    to_plain, to_trained = ((spared.look * other).sum(axis=1) for other in (plain, found.look))
    assert to_plain[left].mean() > to_trained[left].mean()  # held-out ones with them
    assert to_trained[~left].mean() > to_plain[~left].mean()
    assert spared.fusion is not None
    null = shares_of(spared.fusion, upper(), tokens, everything)[:, :, -1].mean(axis=1)
    assert null[left].min() > 0.5 > null[~left].max()
    graph = run(with_adaptors(build_vit(TENSORS, 42, VIT), spared.tensors), pictures(3, 42))
    assert np.isfinite(graph).all()


def test_a_guard_does_not_learn_by_heart() -> None:
    """Two groups that nothing tells apart: unseen pictures of neither are left alone more than the others'."""
    rng = np.random.default_rng(0)
    adaptors, spared = sets_of(2), np.arange(120) % 2 == 0
    points = upper().points
    found = guard(adaptors, {point: rng.normal(size=(120, WIDTH)).astype(np.float32) for point in points}, spared)
    point = next(iter(points))
    unseen = torch.from_numpy(rng.normal(size=(400, 1, WIDTH)).astype(np.float32))
    with torch.inference_mode():
        null = found.attention(unseen, adaptors.narrow(unseen.reshape(1, -1, WIDTH), point)[:, :, None], point)[-1]
    assert 0.4 < float(null.mean()) < 0.6
    assert float(null.std()) < 0.1
