"""Adding a collection to an adapted encoder later, by encoders without weights."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from samekind.adapt import Adapted, adapt, closed_form, grow, saved
from samekind.adapt.grow import grow as grow_to
from samekind.adapt.reach import known_of
from samekind.adapt.router import landmarks
from samekind.collection import Collection
from samekind.encoders import load
from samekind.encoders.adapted import AdaptedEncoder, assemble, read_about
from samekind.encoders.base import encode_pictures
from samekind.encoders.golden import check_golden
from samekind.encoders.rows import Array
from samekind.errors import EncoderError, EncoderMismatch, UsageError
from samekind.pictures.decode import Limits, read_picture
from tests.adapt.test_adapt import collection_of, draw_kinds, mocks
from tests.collection.mock import MockEncoder, OtherEncoder

__all__ = ["mocks"]
LIGHT = {"birds": 0, "shop": 0, "moss": 130, "sand": -130}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("drawn")
    return {name: draw_kinds(place / name, seed, light=light) for seed, (name, light) in enumerate(LIGHT.items())}


@pytest.fixture(scope="module")
def _mine(drawn: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("mine")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAMEKIND_CACHE", str(place / "cache"))
        patch.setattr(load, "fetch", lambda *_: iter(()))
        patch.setattr(load, "load_encoder", lambda *_: MockEncoder())
        assert adapt([drawn["birds"], drawn["shop"]], place / "mine", "mock", "experts").result().accepted
    return place / "mine"


@pytest.fixture
def mine(_mine: Path, tmp_path: Path) -> Path:
    """An encoder that is adapted to birds and shop."""
    shutil.copytree(_mine, tmp_path / "mine")
    return tmp_path / "mine"


def grown(sources: list[Path], out: Path, encoder: Path | str, **more: object) -> Adapted:
    return grow_to(sources, out, str(encoder), **more).result()  # type: ignore[arg-type]


def read(folder: Path) -> AdaptedEncoder:
    return assemble(folder, MockEncoder())


def vectors_of(folder: Path, encoder: AdaptedEncoder) -> Array:
    return encode_pictures(encoder, [read_picture(file, Limits()).pixels for file in sorted(folder.glob("*.png"))])


def test_a_folder_is_added(drawn: dict[str, Path], mine: Path, tmp_path: Path) -> None:
    found = grown([drawn["moss"]], tmp_path / "second", mine)
    assert (found.accepted, found.exit_code, found.encoder) == (True, 0, str(tmp_path / "second"))
    assert (found.base, found.method, found.saved, found.pictures) == ("mock", "grown", "grown", {"moss": 70})
    assert "was not checked: no collection was named with --keep" in found.why
    told = found.to_dict()
    assert (told["grown_from"], set(told["verdicts"])) == (str(mine), {"grown"})
    assert told["growth"]["new"]["moss"] > 0.97
    old, new = read(mine), read(tmp_path / "second")
    for name in ("birds", "shop"):
        assert vectors_of(drawn[name], new).tobytes() == vectors_of(drawn[name], old).tobytes()
    assert not np.array_equal(vectors_of(drawn["moss"], new), vectors_of(drawn["moss"], old))
    assert check_golden(new).value == "agrees"
    assert new.fingerprint != old.fingerprint
    about = read_about(tmp_path / "second").rest
    assert (about["method"], about["grown_from"], about["grown_fingerprint"]) == (
        "experts",
        str(mine),
        old.fingerprint,
    )


def test_kept_collections_stay_to_the_last_picture(drawn: dict[str, Path], mine: Path, tmp_path: Path) -> None:
    old = read(mine)
    kept = collection_of(drawn["birds"], tmp_path / "birds.samekind", old)  # type: ignore[arg-type]
    before = Collection.open(kept).table.version
    found = grown([drawn["moss"]], tmp_path / "second", mine, keep=[kept])
    assert found.accepted, found.why
    assert found.why.endswith("; checked on 70 pictures that are kept: none changes")
    assert (list(found.verdicts), found.pictures) == (["grown", "kept"], {"moss": 70, "birds": 70})
    assert found.insight.growth is not None
    assert found.insight.growth.kept == {"birds": 70}
    new = read(tmp_path / "second")
    assert vectors_of(drawn["birds"], new).tobytes() == vectors_of(drawn["birds"], old).tobytes()
    assert Collection.open(kept).table.version == before


def test_what_a_trained_encoder_knows_stays_as_it_is(
    drawn: dict[str, Path], mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, plain = tmp_path / "trained", MockEncoder()
    birds, experts = vectors_of(drawn["birds"], read(mine)), read(mine).experts
    known = known_of(birds, vectors_of(drawn["birds"], AdaptedEncoder("plain", plain, experts, "")), plain, 0)
    saved.write(folder, MockEncoder(), experts, {}, landmarks=landmarks(birds, 0), known=known)
    old = assemble(folder, MockEncoder(), lambda: plain)
    monkeypatch.setattr(load, "load_encoder", lambda *_: old)
    kept = collection_of(drawn["birds"], tmp_path / "birds.samekind", old)  # type: ignore[arg-type]
    found = grown([drawn["moss"]], tmp_path / "second", folder, keep=[kept])
    assert found.accepted, found.why
    new = assemble(tmp_path / "second", MockEncoder(), lambda: plain)
    assert new.known is not None
    assert vectors_of(drawn["birds"], new).tobytes() == vectors_of(drawn["birds"], old).tobytes()


def test_even_a_picture_that_is_like_the_new_ones_is_kept(drawn: dict[str, Path], mine: Path, tmp_path: Path) -> None:
    shutil.copytree(drawn["birds"], tmp_path / "mixed")
    shutil.copy(next(drawn["moss"].iterdir()), tmp_path / "mixed/stray.png")
    kept = collection_of(tmp_path / "mixed", tmp_path / "mixed.samekind", read(mine))  # type: ignore[arg-type]
    found = grown([drawn["moss"]], tmp_path / "second", mine, keep=[kept])
    assert found.why.endswith("; checked on 71 pictures that are kept: none changes")


def test_it_grows_again_and_again(drawn: dict[str, Path], mine: Path, tmp_path: Path) -> None:
    assert grown([drawn["moss"]], tmp_path / "second", mine).accepted
    assert grown([drawn["sand"]], tmp_path / "third", tmp_path / "second").accepted
    second, third = read(tmp_path / "second"), read(tmp_path / "third")
    assert len(third.branches) == 2
    for name in ("birds", "shop", "moss"):
        assert vectors_of(drawn[name], third).tobytes() == vectors_of(drawn[name], second).tobytes()
    assert not np.array_equal(vectors_of(drawn["sand"], third), vectors_of(drawn["sand"], second))


def test_two_are_added_at_once_and_used(drawn: dict[str, Path], mine: Path, tmp_path: Path) -> None:
    found = grown([drawn["moss"], drawn["sand"]], tmp_path / "second", mine)
    assert list(found.collections) == ["moss", "sand"]
    new = load.load_encoder(str(tmp_path / "second"))
    collection = Collection.create(tmp_path / "c.samekind", new)
    assert collection.sync([drawn["moss"]], encoder=new).result().pictures == 70


def test_the_same_seed_gives_the_same_bytes(drawn: dict[str, Path], mine: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        grown([drawn["moss"]], tmp_path / name, mine, seed=3)
    one, two = ({file.name: file.read_bytes() for file in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one == two


def test_what_is_worse_is_refused_and_nothing_is_written(
    drawn: dict[str, Path], mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def blind(gathered: object, parts: object, seed: int) -> object:
        (mix,) = read(mine).experts
        two = np.diag([1.0] * 2 + [0.0] * 14).astype(np.float32)
        return (type(mix)((1,), mix.mean, mix.frame, mix.centroids[:1], mix.means[:1], two[None]),)

    monkeypatch.setattr(closed_form, "fit_mix", blind)
    found = grown([drawn["moss"]], tmp_path / "second", mine)
    assert (found.accepted, found.exit_code, found.encoder) == (False, 1, None)
    assert "worse in moss" in found.why
    assert not (tmp_path / "second").exists()


def test_what_it_cannot_start_from(drawn: dict[str, Path], mine: Path, tmp_path: Path) -> None:
    out, moss = tmp_path / "second", [drawn["moss"]]
    with pytest.raises(UsageError, match=r"lite is no adapted encoder; name a folder that samekind adapt made"):
        grown(moss, out, "lite")
    with pytest.raises(UsageError, match=r"There is no encoder in .*nowhere; name a folder"):
        grown(moss, out, tmp_path / "nowhere")
    with pytest.raises(UsageError, match="There is nothing to add"):
        grown([], out, mine)
    with pytest.raises(UsageError, match=r"moss is to be added and to be kept as it is; name it once\."):
        grown(moss, out, mine, keep=moss)
    with pytest.raises(UsageError, match="mine is there already"):
        grown(moss, mine, mine)
    other = collection_of(drawn["moss"], tmp_path / "moss.samekind", OtherEncoder())
    with pytest.raises(EncoderMismatch, match=r"made with encoder 'other', not '.*mine'; name its folders of pictures"):
        grown([other], out, mine)
    (tmp_path / "mute").mkdir()
    saved.write(tmp_path / "mute/it", MockEncoder(), read(mine).experts, {})
    with pytest.raises(EncoderError, match=r"it does not say what it was fitted to; run samekind adapt again"):
        grown(moss, out, tmp_path / "mute/it")
    (mine / "experts.safetensors").write_bytes(b"no tensors")
    with pytest.raises(EncoderError, match=r"A part of .*mine cannot be read"):
        grown(moss, out, mine)
    assert not out.exists()


def test_few_new_pictures_are_refused(mine: Path, tmp_path: Path) -> None:
    few = draw_kinds(tmp_path / "few", 5, kinds=7, each=7, light=130)
    with pytest.raises(UsageError, match="few has 49 pictures; adaptation wants 50 or more"):
        grown([few], tmp_path / "second", mine)


def test_the_room_exports_it() -> None:
    assert grow is grow_to
