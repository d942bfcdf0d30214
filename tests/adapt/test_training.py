"""The adaptors' sets, the losses, the kept tokens, and the method on a small network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samekind.adapt.adaptors import Adaptors
from samekind.adapt.grappa import grappa
from samekind.adapt.losses import contrast, normalised_softmax
from samekind.adapt.tokens import CROPS, Tokens, bytes_of, keep_tokens, random_crops
from samekind.adapt.train import embed
from samekind.adapt.trunk import UpperNetwork
from samekind.encoders.graph import cut_at
from samekind.encoders.points import points_of
from samekind.encoders.rows import unit_rows
from samekind.encoders.runtime import Network
from samekind.encoders.vit import build_vit
from samekind.errors import StorageError
from samekind.events import Job, Skipped
from samekind.pictures.views import View
from samekind.settings import Settings
from samekind.tuning.experts import fit_experts
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
    return cut_at(network(), "blocks.1")


def test_the_order_of_sets_does_not_matter() -> None:
    tokens = torch.from_numpy(run(lower(), pictures(3, 42)).astype(np.float32))
    adaptors, turned = sets_of(3, random=True), sets_of(3)
    turned.load({name: tensor[[2, 0, 1]] for name, tensor in adaptors.to_numpy().items()})
    with torch.inference_mode():
        torch.testing.assert_close(turned.apart(upper(), tokens), adaptors.apart(upper(), tokens)[[2, 0, 1]])
        torch.testing.assert_close(turned.fused(upper(), tokens), adaptors.fused(upper(), tokens))


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
    vectors = unit(6, 8).requires_grad_(True)
    loss = normalised_softmax(vectors, unit(1, 8, seed=1), torch.zeros(6, dtype=torch.long))
    loss.backward()
    assert float(loss.detach()) == 0
    assert float(vectors.grad.abs().max()) == 0


def test_contrast_is_least_for_the_right_partners() -> None:
    vectors = unit(16, 32)
    assert float(contrast(vectors, vectors)) < float(contrast(vectors, vectors.roll(1, 0)))


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
    assert bytes_of(10, 257, 384) == 10 * 3 * 257 * 384 * 2


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


def test_the_method_helps_held_out_pictures_and_repeats_itself() -> None:
    tokens, labels = clumped_tokens()
    everything = np.arange(len(labels))
    plain = embed(sets_of(1), upper(), tokens, everything, 0)
    rows = np.setdiff1d(everything, everything[::5])
    mix = fit_experts(plain[rows], np.zeros((0, 0, WIDTH), np.float32), rows[:0], np.random.default_rng(0))

    def once() -> dict[str, np.ndarray]:
        found = Job(grappa(upper(), tokens, plain, mix, rows, seed=0)).result()
        assert found.look.shape == plain.shape
        assert found.views.shape == (len(labels), CROPS, WIDTH)
        assert len(found.granularities) == found.adaptors["down.blocks.3"].shape[0]
        centre = plain[rows].mean(axis=0)
        before = recall(unit_rows(plain - centre), labels)
        assert recall(unit_rows(found.look - found.look[rows].mean(axis=0)), labels) >= before
        return found.adaptors

    first, second = once(), once()
    for name, tensor in first.items():
        np.testing.assert_array_equal(tensor, second[name])
