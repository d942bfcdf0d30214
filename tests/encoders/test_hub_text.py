"""Words of hub models by name: which names have any, what is kept and fetched, and what runs without torch."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("transformers")

from samekind.encoders import hub_tools
from samekind.encoders.hub_text import read_kept_text
from samekind.encoders.load import fetch, load_encoder, load_text_tower
from samekind.errors import EncoderError, MissingExtra, StorageError, UsageError
from samekind.events import Event, Progress
from samekind.settings import Settings
from tests.encoders.hub_server import serve_hub
from tests.encoders.hub_words import save_with_words
from tests.encoders.hubs import save
from tests.encoders.small import write_onnx
from tests.encoders.test_hub import COMMIT, SETTINGS, WITHOUT_TORCH, elsewhere

TEXTS = ["a red kettle", "A photo of a cat, seen from above."]
ASKS = """
import sys
for name in {hidden}:
    sys.modules[name] = None
from samekind.encoders.load import load_text_tower
from samekind.settings import Settings
tower = load_text_tower({name!r}, Settings(threads=1, offline={offline}))
print(tower.fingerprint, tower.name, *tower.encode({texts!r}).vectors.ravel().tolist())
"""


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMEKIND_CACHE", str(tmp_path / "cache"))


def kept_folders(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache" / "hub" / "words").glob("*"))


def test_encoders_without_words(tmp_path: Path) -> None:
    for name in ("lite", "tiny", "dino", "dino@336", "best", f"onnx:{write_onnx(tmp_path / 'a.onnx')}"):
        assert load_text_tower(name, SETTINGS) is None
    for kind in ("vit", "clip_vision_model"):
        assert load_text_tower(f"hub:{save(tmp_path / kind, kind)}", SETTINGS) is None
    assert kept_folders(tmp_path) == []
    for wrong in ("nothing", "hub:nothing"):
        with pytest.raises(UsageError):
            load_text_tower(wrong, SETTINGS)


def test_later_runs_need_no_torch(tmp_path: Path) -> None:
    name = f"hub:{save_with_words(tmp_path / 'model', 'siglip 2')}"
    tower = load_text_tower(name, SETTINGS)
    assert tower is not None
    asked = ASKS.format(name=name, hidden=WITHOUT_TORCH, offline=True, texts=TEXTS)
    done = elsewhere(asked, tmp_path / "home")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.split()[:2] == [tower.fingerprint, name]
    rows = np.array(done.stdout.split()[2:], np.float32).reshape(2, -1)
    np.testing.assert_allclose(rows, tower.encode(TEXTS).vectors, atol=1e-6)
    assert list((tmp_path / "home").iterdir()) == []


def test_kept_by_content(tmp_path: Path) -> None:
    folder = save_with_words(tmp_path / "one", "clip")
    events: list[Event] = []
    one = load_text_tower(f"hub:{folder}", SETTINGS, events.append)
    said = [event.stage for event in events if isinstance(event, Progress)]
    assert said == [f"convert {folder}"] * 2 + [f"convert the words of {folder}"] * 2
    shutil.copytree(folder, tmp_path / "two")
    two = load_text_tower(f"hub:{tmp_path / 'two'}", SETTINGS, events.append)
    assert one is not None
    assert two is not None
    assert (len(events), two.name, two.fingerprint) == (4, f"hub:{tmp_path / 'two'}", one.fingerprint)
    settings = folder / "tokenizer_config.json"
    settings.write_text(json.dumps({**json.loads(settings.read_text("utf-8")), "model_max_length": 20}), "utf-8")
    shorter = load_text_tower(f"hub:{folder}", SETTINGS)
    assert shorter is not None
    assert (shorter.limit, shorter.fingerprint != one.fingerprint) == (20, True)
    assert load_encoder(f"hub:{folder}", SETTINGS).fingerprint == load_encoder(f"hub:{tmp_path / 'two'}").fingerprint


def test_what_was_cut_short_is_made_again(tmp_path: Path) -> None:
    name = f"hub:{save_with_words(tmp_path / 'model', 'clip')}"
    load_text_tower(name, SETTINGS)
    (place,) = kept_folders(tmp_path)
    whole = (place / "graph.bin").read_bytes()
    (place / "graph.bin").write_bytes(whole[:-4])
    assert read_kept_text(place.name) is None
    load_text_tower(name, SETTINGS)
    assert (place / "graph.bin").read_bytes() == whole
    (place / "tokenizer.json").write_text("{", "utf-8")
    with pytest.raises(EncoderError, match=r"tokenizer\.json cannot be read .*; delete its folder and ask again"):
        load_text_tower(name, SETTINGS)


def test_no_tokenizer(tmp_path: Path) -> None:
    folder = save_with_words(tmp_path / "model", "old clip")
    (folder / "merges.txt").unlink()
    with pytest.raises(EncoderError, match=r"There is no tokenizer\.json in .*; save or download the whole model"):
        load_text_tower(f"hub:{folder}", SETTINGS)
    assert load_encoder(f"hub:{folder}", SETTINGS).dim == 24


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"hub:{save_with_words(tmp_path / 'model', 'clip')}"
    load_encoder(name, SETTINGS)
    monkeypatch.setitem(sys.modules, "transformers", None)
    monkeypatch.setattr(hub_tools, "tools", hub_tools.tools.__wrapped__)
    with pytest.raises(MissingExtra, match=r"pip install 'samekind\[hub\]'"):
        load_text_tower(name, SETTINGS)
    assert kept_folders(tmp_path) == []


def test_no_place_to_keep_it(tmp_path: Path) -> None:
    name = f"hub:{save_with_words(tmp_path / 'model', 'clip')}"
    load_encoder(name, SETTINGS)
    (tmp_path / "cache" / "hub" / "words").write_text("")
    with pytest.raises(StorageError, match="SAMEKIND_CACHE"):
        load_text_tower(name, SETTINGS)


def test_words_that_do_not_compare_with_the_pictures(tmp_path: Path) -> None:
    folder = save(tmp_path / "model", "siglip", text={"projection_size": 16})
    for file in save_with_words(tmp_path / "other", "siglip").glob("tokenizer*"):
        shutil.copy(file, folder)
    with pytest.raises(EncoderError, match="gives 32 numbers for a picture and 16 for words"):
        load_text_tower(f"hub:{folder}", SETTINGS)


def test_words_with_nothing_in_them(tmp_path: Path) -> None:
    tower = load_text_tower(f"hub:{save_with_words(tmp_path / 'model', 'siglip')}", SETTINGS)
    assert tower is not None
    with pytest.raises(UsageError, match=r"reads no word in '\?!'"):
        tower.encode(["?!"])


def test_from_the_hub(tmp_path: Path) -> None:
    folder, home = save_with_words(tmp_path / "model", "clip"), tmp_path / "home"
    pinned = f"hub:owner/name@{COMMIT}"

    def asked(
        server: str, name: str = "hub:owner/name", offline: bool = False, hidden: tuple[str, ...] = ()
    ) -> list[str]:
        code = ASKS.format(name=name, hidden=hidden, offline=offline, texts=TEXTS)
        done = elsewhere(code, home, HF_ENDPOINT=server, HF_HOME=str(home / "hf"))
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    with serve_hub(folder, COMMIT) as served:
        fingerprint, name, *_ = asked(served.url)
        assert name == pinned
        count = len(served.asked)
        served.commit = COMMIT[::-1]  # the repository goes on; the name stays where it was
        save_with_words(folder, "clip", seed=1)
        assert asked(served.url)[:2] == [fingerprint, pinned]
        assert len(served.asked) == count
    assert asked(served.url, offline=True, hidden=WITHOUT_TORCH)[:2] == [fingerprint, pinned]
    assert asked(served.url, pinned, hidden=WITHOUT_TORCH)[:2] == [fingerprint, pinned]
    shutil.rmtree(tmp_path / "cache" / "hub" / "words")
    assert asked(served.url, offline=True)[0] == fingerprint  # from huggingface_hub's own cache


def test_a_repository_whose_pictures_came_first(tmp_path: Path) -> None:
    """What is fetched for pictures is enough for words afterwards, without a network."""
    save_with_words(tmp_path / "model", "clip")
    home = tmp_path / "home"
    with serve_hub(tmp_path / "model", COMMIT) as served:
        code = "from samekind.encoders.load import load_encoder; print(load_encoder('hub:owner/name').name)"
        done = elsewhere(code, home, HF_ENDPOINT=served.url, HF_HOME=str(home / "hf"))
        assert done.returncode == 0, done.stderr
    code = ASKS.format(name="hub:owner/name", hidden=(), offline=True, texts=TEXTS)
    done = elsewhere(code, home, HF_ENDPOINT=served.url, HF_HOME=str(home / "hf"))
    assert done.stdout.split()[1] == f"hub:owner/name@{COMMIT}", done.stderr


def test_fetching_pictures_makes_no_words(tmp_path: Path) -> None:
    fetch(f"hub:{save_with_words(tmp_path / 'model', 'clip')}", Settings()).result()
    assert kept_folders(tmp_path) == []
