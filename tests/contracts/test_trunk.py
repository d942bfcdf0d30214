"""What every network that is trained has to keep: its upper part in torch is the graph that is searched with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samekind.adapt.adaptors import Adaptors, SideBySide
from samekind.adapt.fusion import Mean
from samekind.adapt.trunk import UpperNetwork
from samekind.encoders.efficientnet import build_efficientnet
from samekind.encoders.graph import cut_at, tokens_at, with_adaptors
from samekind.encoders.load import blueprints, is_fetched
from samekind.encoders.onnx import read_onnx
from samekind.encoders.points import points_of
from samekind.encoders.rows import unit_rows
from samekind.encoders.vit import build_vit
from samekind.settings import Settings
from tests.adapt.networks import SIDE, write_conv, write_vit
from tests.encoders.small import EFFICIENTNET_STRIDED, VIT, efficientnet_tensors, pictures, run, vit_tensors

torch = pytest.importorskip("torch", reason="training wants torch: pip install 'samekind[adapt]'")

COUNT = 4


@dataclass(frozen=True)
class Case:
    """A network and its side in pixels."""

    build: Callable[[], Any]
    side: int

    @cached_property
    def points(self) -> dict[str, int]:
        return points_of(self.build())

    @cached_property
    def upper(self) -> UpperNetwork:
        return UpperNetwork(self.build(), self.points, "this")

    @cached_property
    def images(self) -> np.ndarray:
        return pictures(COUNT, self.side)

    @cached_property
    def tokens(self) -> np.ndarray:
        return run(cut_at(self.build(), next(iter(self.points))), self.images).astype(np.float32)

    @cached_property
    def plain(self) -> np.ndarray:
        return run(self.build(), self.images).reshape(COUNT, -1)

    def sets_of(self, sets: int, drawn: bool = True) -> Adaptors:
        found = Adaptors(self.points, sets, seed=0)
        rng = np.random.default_rng(1)
        if drawn:
            shapes = {name: tuple(tensor.shape) for name, tensor in found.tensors.items()}
            found.load({name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()})
            found.load(found.to_numpy())
        return found

    def apart(self, adaptors: Adaptors, tokens: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return adaptors.apart(self.upper, torch.from_numpy(tokens)).numpy()

    def fused(self, adaptors: Adaptors, tokens: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return adaptors.fused(self.upper, torch.from_numpy(tokens), Mean()).numpy()


def real(name: str) -> Callable[[Path], Case]:
    def make(_: Path) -> Case:
        if not is_fetched(name):
            pytest.skip(f"the weights of {name} are not fetched")
        one = blueprints(name, Settings(offline=True))[0]
        return Case(one.build, one.trunk.view.side)

    return make


def from_onnx(write: Callable[[Path], Path]) -> Callable[[Path], Case]:
    def make(folder: Path) -> Case:
        path = write(folder / "network.onnx")
        return Case(lambda: read_onnx(path)[0], SIDE)

    return make


MADE: dict[str, Callable[[Path], Case]] = {
    "vit": lambda _: Case(lambda: build_vit(vit_tensors(blocks=4), 42, VIT), 42),
    "efficientnet": lambda _: Case(
        lambda: build_efficientnet(efficientnet_tensors(), 24, strided=EFFICIENTNET_STRIDED), 24
    ),
    "onnx vit": from_onnx(write_vit),
    "onnx conv": from_onnx(write_conv),
    "onnx channels last": from_onnx(partial(write_conv, channels_last=True)),
    "lite": real("lite"),
}
REAL = ("tiny", "dino", "dino@112")
DROPPABLE = ("vit", "onnx vit", "dino", "dino@112")


@pytest.fixture(scope="module", params=[*MADE, *(pytest.param(name, marks=pytest.mark.weights) for name in REAL)])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def case(name: str, tmp_path_factory: pytest.TempPathFactory) -> Case:
    return MADE.get(name, real(name))(tmp_path_factory.mktemp("network"))


def cosines(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    return (unit_rows(some) * unit_rows(others)).sum(axis=-1)


def test_there_are_points_and_their_widths(case: Case) -> None:
    assert 2 <= len(case.points) <= 5
    model = case.build()
    assert [tokens_at(model, point)[1] for point in case.points] == list(case.points.values())
    assert case.upper.shape == case.tokens.shape[1:]


def test_untrained_adaptors_change_nothing(case: Case) -> None:
    untrained = case.sets_of(2, drawn=False)
    found = case.apart(untrained, case.tokens)
    assert found.shape == (2, *case.plain.shape)
    assert cosines(found, case.plain).min() > 0.9999  # the kept tokens are half precision
    assert cosines(case.fused(untrained, case.tokens), case.plain).min() > 0.9999
    graph = run(with_adaptors(case.build(), untrained.to_numpy()), case.images).reshape(COUNT, -1)
    assert cosines(graph, case.plain).min() > 0.9999


def test_the_runtime_graph_is_the_fused_network(case: Case) -> None:
    adaptors = case.sets_of(3)
    graph = run(with_adaptors(case.build(), adaptors.to_numpy()), case.images).reshape(COUNT, -1)
    assert cosines(graph, case.fused(adaptors, case.tokens)).min() > 0.9999
    assert cosines(graph, case.plain).max() < 0.9999


def test_the_runtime_graph_is_the_sets_side_by_side(case: Case) -> None:
    adaptors = SideBySide(case.sets_of(3))
    graph = run(with_adaptors(case.build(), adaptors.exported()), case.images)
    assert graph.shape == (COUNT, 3 * case.plain.shape[1])
    np.testing.assert_allclose(np.linalg.norm(graph, axis=1), 1, atol=1e-4)
    assert cosines(graph, case.fused(adaptors, case.tokens)).min() > 0.9999
    for mine, alone in zip(np.split(graph, 3, axis=1), case.apart(adaptors, case.tokens), strict=True):
        assert cosines(mine, alone).min() > 0.9999
        assert cosines(mine, case.plain).max() < 0.9999


def test_every_point_counts(case: Case) -> None:
    adaptors = case.sets_of(2)
    whole = case.fused(adaptors, case.tokens)
    for point in case.points:
        less = case.sets_of(2)
        less.load(
            {f"{kind}.{point}": np.zeros_like(adaptors.to_numpy()[f"{kind}.{point}"]) for kind in ("up", "offset")}
        )
        assert cosines(case.fused(less, case.tokens), whole).max() < 0.99999


def test_order_and_batch_do_not_matter(case: Case) -> None:
    adaptors = case.sets_of(2)
    found = case.fused(adaptors, case.tokens)
    assert cosines(case.fused(adaptors, case.tokens[::-1].copy())[::-1], found).min() > 0.99999
    single = np.concatenate([case.fused(adaptors, case.tokens[row : row + 1]) for row in range(COUNT)])
    assert cosines(single, found).min() > 0.99999


def test_sets_together_are_sets_alone(case: Case) -> None:
    adaptors = case.sets_of(3)
    tensors, together = adaptors.to_numpy(), case.apart(adaptors, case.tokens)
    for one in range(3):
        alone = case.sets_of(1)
        alone.load({name: tensor[one : one + 1] for name, tensor in tensors.items()})
        assert cosines(case.apart(alone, case.tokens)[0], together[one]).min() > 0.99999
        assert cosines(case.fused(alone, case.tokens), together[one]).min() > 0.99999


def test_what_learns_and_that_it_learns_numbers(case: Case) -> None:
    adaptors = case.sets_of(2, drawn=False)
    found = adaptors.apart(case.upper, torch.from_numpy(case.tokens))
    torch.nn.functional.normalize(found, dim=-1)[..., 0].sum().backward()
    assert all(not tensor.requires_grad for tensor in case.upper.frozen.values())
    for name, tensor in adaptors.tensors.items():
        assert bool(torch.isfinite(tensor.grad).all()), name
        assert bool(tensor.grad.any()) or not name.startswith("up"), name


def test_tokens_may_be_dropped_where_all_are_seen_by_all(name: str, case: Case) -> None:
    assert case.upper.droppable is (name in DROPPABLE)
    if case.upper.droppable:
        few = case.fused(case.sets_of(2), case.tokens[:, : case.tokens.shape[1] // 2].copy())
        assert few.shape == case.plain.shape
