"""The folder of an adapted encoder: what is written is what is loaded, and what is wrong with it is one sentence."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from samekind.adapt import saved
from samekind.adapt.closed_form import rounded
from samekind.encoders import adapted
from samekind.encoders.adapted import AdaptedEncoder, assemble, fingerprint, packed, unpacked
from samekind.encoders.base import encode_pictures
from samekind.encoders.experts import Experts
from samekind.encoders.golden import check_golden, draw_card
from samekind.encoders.load import fetch, full_name, load_encoder
from samekind.encoders.rows import Array, unit_rows
from samekind.errors import EncoderError, NewerFormat, StorageError, UsageError, WrongWeights
from samekind.settings import Settings
from tests.collection.mock import DIM, MockEncoder, OtherEncoder
from tests.encoders.small import write_onnx

SETTINGS = Settings(offline=True)


def a_mix(dim: int = DIM, levels: tuple[int, ...] = (3, 2), seed: int = 0) -> Experts:
    rng = np.random.default_rng(seed)

    def drawn(*shape: int) -> Array:
        return rng.normal(size=shape).astype(np.float32)

    groups = sum(levels)
    return rounded(
        Experts(
            levels,
            0.1 * drawn(dim),
            drawn(dim, dim),
            unit_rows(drawn(groups, dim)),
            drawn(groups, dim),
            drawn(groups, dim, dim),
        )
    )


def written(folder: Path) -> AdaptedEncoder:
    return saved.write(folder, MockEncoder(), [a_mix()], {"method": "experts", "seed": 0, "why": 'it "helps"\nmuch'})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    written(tmp_path / "mine")
    return tmp_path / "mine"


def test_packed_and_unpacked_is_the_same_bit_for_bit() -> None:
    mixes = (a_mix(), a_mix(5, (1,), seed=1))
    again = unpacked(packed(mixes), 2)
    for one, other in zip(mixes, again, strict=True):
        assert one.levels == other.levels
        for name in ("mean", "frame", "centroids", "means", "matrices"):
            assert getattr(one, name).tobytes() == getattr(other, name).tobytes(), name
    assert fingerprint("base", mixes) == fingerprint("base", again)


def test_the_folder_gives_back_what_was_written(tmp_path: Path) -> None:
    encoder = written(tmp_path / "mine")
    again = assemble(tmp_path / "mine", MockEncoder())
    assert again.fingerprint == encoder.fingerprint
    assert (again.name, again.dim, again.parts, again.input_side) == (str(tmp_path / "mine"), 16, MockEncoder.parts, 12)
    pictures = [draw_card(), draw_card()[:100]]
    assert encode_pictures(again, pictures).tobytes() == encode_pictures(encoder, pictures).tobytes()
    assert sorted(file.name for file in (tmp_path / "mine").iterdir()) == [
        adapted.FILE,
        adapted.EXPERTS,
        adapted.GOLDEN,
    ]
    about = adapted.read_about(tmp_path / "mine")
    assert (about.base, about.base_fingerprint) == ("mock", MockEncoder().fingerprint)
    assert about.rest["why"] == 'it "helps"\nmuch'


def test_what_it_gives_is_the_mapped_vector_of_its_base(folder: Path) -> None:
    encoder, base = assemble(folder, MockEncoder()), MockEncoder()
    rows = encode_pictures(base, [draw_card()])
    np.testing.assert_array_equal(encode_pictures(encoder, [draw_card()]), encoder.adapt(rows))
    np.testing.assert_allclose(encoder.adapt(rows), a_mix().apply(rows), atol=1e-6)


def test_a_folder_may_be_moved(folder: Path, tmp_path: Path) -> None:
    print_ = assemble(folder, MockEncoder()).fingerprint
    shutil.move(folder, tmp_path / "elsewhere")
    assert assemble(tmp_path / "elsewhere", MockEncoder()).fingerprint == print_


def test_the_fingerprint_is_of_base_and_numbers() -> None:
    prints = {
        fingerprint("a", [a_mix()]),
        fingerprint("b", [a_mix()]),
        fingerprint("a", [a_mix(seed=1)]),
        fingerprint("a", [a_mix(levels=(2, 3))]),
        fingerprint("a", [a_mix(), a_mix()]),
    }
    assert len(prints) == 5
    assert all(re.fullmatch("[0-9a-f]{16}", one) for one in prints)


def test_its_golden_vector_is_checked(folder: Path) -> None:
    encoder = assemble(folder, MockEncoder())
    assert check_golden(encoder).value == "agrees"
    golden = json.loads((folder / adapted.GOLDEN).read_text())
    (folder / adapted.GOLDEN).write_text(json.dumps([[-number for number in numbers] for numbers in golden]))
    with pytest.raises(WrongWeights, match="does not reproduce its golden vector"):
        check_golden(assemble(folder, MockEncoder()))


def edited(name: str, old: str, new: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        text = (folder / name).read_text()
        assert re.search(old, text)
        (folder / name).write_text(re.sub(old, new, text))

    return damage


def cut(folder: Path) -> None:
    data = (folder / adapted.EXPERTS).read_bytes()
    (folder / adapted.EXPERTS).write_bytes(data[: len(data) // 2])


def one_bit(folder: Path) -> None:
    data = bytearray((folder / adapted.EXPERTS).read_bytes())
    data[-100] ^= 1
    (folder / adapted.EXPERTS).write_bytes(data)


def other_numbers(folder: Path) -> None:
    from safetensors.numpy import save_file

    save_file(packed([a_mix(seed=5)]), folder / adapted.EXPERTS)


@pytest.mark.parametrize(
    ("damage", "kind", "sentence"),
    [
        (edited(adapted.FILE, "format = 1", "format = 2"), NewerFormat, "later samekind; install a newer version"),
        (edited(adapted.FILE, "format = 1", 'format = "x"'), EncoderError, "encoder.toml cannot be read"),
        (edited(adapted.FILE, "base = .*\n", ""), EncoderError, "encoder.toml cannot be read .*'base'"),
        (edited(adapted.FILE, "=", ""), EncoderError, "encoder.toml cannot be read"),
        (edited(adapted.FILE, '"0{12}mock"', '"other"'), EncoderError, r"another mock \(other\) than the one here"),
        (lambda folder: (folder / adapted.FILE).unlink(), EncoderError, "no encoder: there is no encoder.toml"),
        (lambda folder: (folder / adapted.FILE).write_bytes(b"\xff\xfe"), EncoderError, "cannot be read"),
        (lambda folder: (folder / adapted.EXPERTS).unlink(), EncoderError, "A part of .* cannot be read"),
        (lambda folder: (folder / adapted.GOLDEN).write_text("[["), EncoderError, "A part of .* cannot be read"),
        (cut, EncoderError, "A part of .* cannot be read"),
        (one_bit, EncoderError, "was changed after it was written; copy the folder again"),
        (other_numbers, EncoderError, "was changed after it was written"),
    ],
)
def test_a_damaged_folder_is_one_sentence(
    folder: Path, damage: Callable[[Path], None], kind: type[Exception], sentence: str
) -> None:
    damage(folder)
    with pytest.raises(kind, match=sentence) as problem:
        assemble(folder, MockEncoder())
    assert "\n" not in str(problem.value)


def test_another_base_is_refused(folder: Path) -> None:
    with pytest.raises(EncoderError, match=r"was fitted to another mock .*; run samekind adapt again\."):
        assemble(folder, OtherEncoder())


def test_it_is_loaded_by_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = load_encoder(f"onnx:{write_onnx(tmp_path / 'a.onnx')}", SETTINGS)
    made = saved.write(tmp_path / "mine", base, [a_mix(5)], {})
    monkeypatch.chdir(tmp_path)
    for name in ("mine", "./mine", str(tmp_path / "mine")):
        encoder = load_encoder(name, SETTINGS)
        assert isinstance(encoder, AdaptedEncoder)
        assert (encoder.name, encoder.fingerprint) == (str(tmp_path / "mine"), made.fingerprint)
        assert full_name(name) == str(tmp_path / "mine")
        assert fetch(name, SETTINGS).result() == ()
    assert check_golden(encoder).value == "agrees"


@pytest.mark.parametrize("name", ["./nowhere", "nowhere/mine", "~/nowhere-at-all"])
def test_a_folder_that_is_not_there(name: str) -> None:
    for call in (load_encoder, fetch, full_name):
        with pytest.raises(UsageError, match=r"There is no encoder in /.*; name a folder that samekind adapt made\."):
            call(name)


def test_a_word_is_looked_for_in_the_catalog() -> None:
    with pytest.raises(UsageError, match="There is no encoder 'nowhere'; known: "):
        load_encoder("nowhere")


def test_a_folder_never_shadows_an_encoder(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.rename(tmp_path / "lite")
    monkeypatch.chdir(tmp_path)
    assert full_name("lite") == "lite"


def test_writing_into_what_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("safetensors.numpy.save_file", full)
    with pytest.raises(StorageError, match=r"mine cannot be written \(No space left on device\); free space"):
        written(tmp_path / "mine")
    assert list(tmp_path.iterdir()) == []


def test_a_kill_while_writing_leaves_no_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "rename", killed)
    with pytest.raises(KeyboardInterrupt):
        written(tmp_path / "mine")
    assert list(tmp_path.iterdir()) == []
