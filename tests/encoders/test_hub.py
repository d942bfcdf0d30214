"""Hub models by name: what a name means, what is kept, what is fetched, and what runs without torch."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("transformers")

from samekind.encoders import hub_tools
from samekind.encoders.base import encode_pictures
from samekind.encoders.golden import draw_card
from samekind.encoders.hub import Source, source_of
from samekind.encoders.hub_files import content_digest
from samekind.encoders.listing import list_encoders
from samekind.encoders.load import fetch, full_name, load_encoder
from samekind.encoders.tower import KINDS
from samekind.errors import EncoderError, MissingExtra, StorageError, UsageError, WeightsMissing
from samekind.events import Progress
from samekind.settings import Settings
from tests.encoders.hub_server import serve_hub
from tests.encoders.hubs import model, save

SETTINGS = Settings(threads=1)
COMMIT = "0123456789abcdef0123456789abcdef01234567"

ENCODES = """
import sys
for name in {hidden}:
    sys.modules[name] = None
import numpy as np
from samekind.encoders.golden import draw_card
from samekind.encoders.load import full_name, load_encoder
from samekind.settings import Settings
encoder = load_encoder({name!r}, Settings(threads=1, offline={offline}))
vector = encoder.encode([encoder.prepare(draw_card())])[0]
print(encoder.fingerprint, encoder.name, full_name({name!r}), *vector.tolist())
"""
WITHOUT_TORCH = ("torch", "transformers", "huggingface_hub", "openvino_telemetry")


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMEKIND_CACHE", str(tmp_path / "cache"))


def elsewhere(code: str, home: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """``code`` in a process of its own with an empty home folder."""
    home.mkdir(exist_ok=True)
    watchful = {name: value for name, value in os.environ.items() if name not in ("CI", "TF_BUILD", "JENKINS_URL")}
    environment = {**watchful, "HOME": str(home), "USERPROFILE": str(home), **more}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)


def test_what_names_mean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert source_of("hub:owner/name") == Source(repository="owner/name")
    assert source_of("hub:owner/na.me@v1/x") == Source(repository="owner/na.me", revision="v1/x")
    assert source_of("hub:./a/b").folder == tmp_path / "a" / "b"
    assert source_of("hub:/a/../b").name == "hub:/b"
    assert full_name("hub:./a") == f"hub:{tmp_path / 'a'}"
    for wrong in ("hub:", "hub:name", "hub:a/b/c", "hub:a b/c", "hub:owner/name@"):
        for call in (fetch, load_encoder, full_name):
            with pytest.raises(UsageError, match="names no model"):
                call(wrong)


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder(kind: str, tmp_path: Path) -> None:
    folder = save(tmp_path / "model", kind)
    encoder = load_encoder(f"hub:{folder}", SETTINGS)
    trunk = encoder.trunks[0]  # type: ignore[union-attr]
    assert (encoder.name, trunk.name, trunk.pooling) == (f"hub:{folder}", kind, KINDS[kind].pooling)
    assert trunk.view.side == 32
    rows = encode_pictures(encoder, [draw_card(), draw_card()[:, ::-1]])
    assert rows.shape == (2, encoder.dim)
    assert rows[0] @ rows[1] < 0.9999


def test_kept_by_content(tmp_path: Path) -> None:
    folder = save(tmp_path / "one", "vit")
    first = fetch(f"hub:{folder}", SETTINGS).result()
    shutil.copytree(folder, tmp_path / "two")
    assert fetch(f"hub:{tmp_path / 'two'}", SETTINGS).result() == first
    one, two = (load_encoder(f"hub:{tmp_path / name}", SETTINGS) for name in ("one", "two"))
    assert one.fingerprint == two.fingerprint
    assert one.name != two.name
    (listed,) = [one for one in list_encoders() if one.name.startswith("hub:")]
    assert (listed.name, listed.dim, listed.fetched, listed.files) == (f"hub:{folder}", 32, True, (str(first[0]),))


def test_whatever_decides_about_vectors_is_in_the_fingerprint(tmp_path: Path) -> None:
    prints = [load_encoder(f"hub:{save(tmp_path / 'model', 'vit', seed)}", SETTINGS).fingerprint for seed in (0, 1)]
    settings = tmp_path / "model" / "preprocessor_config.json"
    changed = {**json.loads(settings.read_text("utf-8")), "image_mean": [0.4, 0.4, 0.4]}
    settings.write_text(json.dumps(changed), "utf-8")
    prints.append(load_encoder(f"hub:{tmp_path / 'model'}", SETTINGS).fingerprint)
    assert len(set(prints)) == 3


def test_later_runs_need_no_torch(tmp_path: Path) -> None:
    name = f"hub:{save(tmp_path / 'model', 'clip')}"
    encoder = load_encoder(name, SETTINGS)
    done = elsewhere(ENCODES.format(name=name, hidden=WITHOUT_TORCH, offline=True), tmp_path / "home")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == encoder.fingerprint
    vector = np.array(done.stdout.split()[3:], np.float32)
    np.testing.assert_allclose(vector, encoder.encode([encoder.prepare(draw_card())])[0], atol=1e-6)


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = save(tmp_path / "model", "vit")
    monkeypatch.setitem(sys.modules, "transformers", None)
    monkeypatch.setattr(hub_tools, "tools", hub_tools.tools.__wrapped__)
    before = dict(os.environ)
    for name in (f"hub:{folder}", "hub:owner/name"):
        with pytest.raises(MissingExtra, match=r"pip install 'samekind\[hub\]'"):
            load_encoder(name, SETTINGS)
    assert dict(os.environ) == before


def test_a_graph_that_was_cut_short_is_made_again(tmp_path: Path) -> None:
    name = f"hub:{save(tmp_path / 'model', 'vit')}"
    (graph,) = fetch(name, SETTINGS).result()
    whole = graph.with_suffix(".bin").read_bytes()
    graph.with_suffix(".bin").write_bytes(whole[:-4])
    stages = [event.stage for event in fetch(name, SETTINGS) if isinstance(event, Progress)]
    assert stages == [f"convert {tmp_path / 'model'}"] * 2
    assert graph.with_suffix(".bin").read_bytes() == whole
    (graph.parent / "about.json").write_text("[]")
    assert len(list(fetch(name, SETTINGS))) == 2
    assert list(fetch(name, SETTINGS)) == []


def test_pieces_and_pickles(tmp_path: Path) -> None:
    import torch

    folder = save(tmp_path / "model", "vit")
    wanted = load_encoder(f"hub:{folder}", SETTINGS)
    (folder / "model.safetensors").unlink()
    model("vit").save_pretrained(folder, max_shard_size="20KB")
    assert len(list(folder.glob("model-*.safetensors"))) > 1
    torch.save(model("vit").state_dict(), tmp_path / "pytorch_model.bin")
    pieces = load_encoder(f"hub:{folder}", SETTINGS)
    for file in folder.glob("model*"):
        file.unlink()
    shutil.move(tmp_path / "pytorch_model.bin", folder)
    pickled = load_encoder(f"hub:{folder}", SETTINGS)
    rows = [encode_pictures(one, [draw_card()])[0] for one in (wanted, pieces, pickled)]
    np.testing.assert_allclose(rows[1:], rows[:1] * 2, atol=1e-3)


def test_a_pickle_that_is_more_than_tensors_is_not_run(tmp_path: Path) -> None:
    import torch

    folder = save(tmp_path / "model", "vit")
    (folder / "model.safetensors").unlink()
    torch.save({"a": Path("a")}, folder / "pytorch_model.bin")
    with pytest.raises(EncoderError, match="cannot be converted"):
        load_encoder(f"hub:{folder}", SETTINGS)


def test_folders_that_lack_something(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="There is no folder"):
        load_encoder(f"hub:{tmp_path / 'none'}", SETTINGS)
    folder = save(tmp_path / "model", "vit")
    for name in ("model.safetensors", "preprocessor_config.json", "config.json"):
        (folder / name).unlink()
        with pytest.raises(EncoderError, match=f"There is no {name} in"):
            content_digest(folder)


def test_no_place_to_keep_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SAMEKIND_CACHE", str(tmp_path / "file"))
    with pytest.raises(StorageError, match="SAMEKIND_CACHE"):
        load_encoder(f"hub:{save(tmp_path / 'model', 'vit')}", SETTINGS)


def fetched(home: Path, server: str, name: str = "hub:owner/name", offline: bool = False, hidden: Any = ()) -> Any:
    code = ENCODES.format(name=name, hidden=tuple(hidden), offline=offline)
    done = elsewhere(code, home, HF_ENDPOINT=server, HF_HOME=str(home / "hf"))
    return done.stdout.split() if done.returncode == 0 else done.stderr.strip().splitlines()[-1]


def test_from_the_hub(tmp_path: Path) -> None:
    folder, home = save(tmp_path / "model", "siglip"), tmp_path / "home"
    (folder / "flax_model.msgpack").write_bytes(b"not wanted")
    pinned = f"hub:owner/name@{COMMIT}"
    with serve_hub(folder, COMMIT) as served:
        fingerprint, name, full, *_ = fetched(home, served.url)
        assert (name, full) == (pinned, pinned)
        assert not [path for path in served.asked if "flax" in path or "bin" in path]
        asked = len(served.asked)
        served.commit = COMMIT[::-1]  # the repository goes on; the name stays where it was
        save(folder, "siglip", seed=1)
        assert fetched(home, served.url)[:2] == [fingerprint, pinned]
        assert len(served.asked) == asked
        newer, name, *_ = fetched(home, served.url, f"hub:owner/name@{COMMIT[::-1]}")
        assert (newer != fingerprint, name) == (True, f"hub:owner/name@{COMMIT[::-1]}")
    assert fetched(home, served.url, offline=True, hidden=WITHOUT_TORCH)[:2] == [fingerprint, pinned]
    assert fetched(home, served.url, pinned, hidden=WITHOUT_TORCH)[:2] == [fingerprint, pinned]
    assert load_encoder(f"hub:{folder}", SETTINGS).fingerprint == newer
    shutil.rmtree(tmp_path / "cache" / "hub")
    assert fetched(home, served.url, pinned, offline=True)[0] == fingerprint  # from huggingface_hub's own cache


def test_a_repository_that_cannot_be_had(tmp_path: Path) -> None:
    save(tmp_path / "model", "vit")
    with serve_hub(tmp_path / "model", COMMIT) as served:
        said = fetched(tmp_path / "home", served.url, "hub:owner/other")
        assert said.startswith("samekind.errors.WeightsMissing: hub:owner/other is not on this machine (model hub: ")
        (tmp_path / "model" / "model.safetensors").unlink()
        assert "There is no model.safetensors" in fetched(tmp_path / "home", served.url)
    assert "WeightsMissing" in fetched(tmp_path / "other", served.url)


def test_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_: Any, **given: Any) -> str:
        assert given["local_files_only"]
        raise FileNotFoundError("not in the cache")

    monkeypatch.setattr(hub_tools.tools().huggingface_hub, "snapshot_download", nothing)
    with pytest.raises(WeightsMissing, match=r"hub:owner/name .*\(samekind is set to work offline\).*hub:/path"):
        load_encoder("hub:owner/name", Settings(offline=True))
    assert not (tmp_path / "cache" / "hub" / "pins").exists()


def test_converting_calls_nobody_and_leaves_nothing_in_the_home_folder(tmp_path: Path) -> None:
    name = f"hub:{save(tmp_path / 'model', 'dinov2')}"
    watched = f"""
import sys
seen = []
calls = ("socket.connect", "socket.sendto", "socket.getaddrinfo")
sys.addaudithook(lambda event, arguments: seen.append((event, arguments)) if event in calls else None)
{ENCODES.format(name=name, hidden=(), offline=False)}
assert "torch" in sys.modules
assert not seen, seen
assert not [name for name in sys.modules if name.startswith("openvino_telemetry")]
"""
    done = elsewhere(watched, tmp_path / "home")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert list((tmp_path / "home").iterdir()) == []
