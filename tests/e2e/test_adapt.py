"""samekind adapt on bad input: one clear sentence, or a sensible end; nothing half-written, nothing encoded in vain."""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from samekind.settings import cache_folder
from tests.adapt.networks import write_conv
from tests.adapt.test_adapt import draw_kinds
from tests.e2e.command import Answer, Command, permissions_hold
from tests.e2e.conftest import KINDS, draw
from tests.e2e.test_refusals import state

PICTURES = 60
OUT = ("--out", "mine", "--encoder", "mock", "--quiet")
MOCKED = Path(__file__).with_name("mocked.py")


@dataclass(frozen=True)
class Mocked(Command):
    """The command with an encoder without weights, a second a run."""

    def line(self, *words: str | Path, like_anyone: bool = False) -> list[str]:
        *drop, _ = super().line(like_anyone=like_anyone)
        return [*drop, sys.executable, str(MOCKED), *map(str, words)]


@dataclass(frozen=True)
class Place:
    """A folder to stand in, with ``garden/`` and ``meadow/``; the cache is its own, with what ``made`` put into it."""

    command: Command

    @property
    def folder(self) -> Path:
        return self.command.cwd

    @property
    def cache(self) -> Path:
        return self.command.home / "cache"

    @property
    def out(self) -> Path:
        return self.folder / "mine"

    def adapt(self, *words: str | Path, **more: str | bool) -> Answer:
        return self.command("adapt", *OUT, *words, **more)  # type: ignore[arg-type]

    def refused(self, *words: str | Path, **more: str | bool) -> str:
        """The sentence; and nothing beside the cache has changed."""
        before = state(self.folder)
        answer = self.adapt(*words, **more)
        assert answer.code == 2, answer
        assert state(self.folder) == before
        assert len(answer.sentence) < 400
        return answer.sentence

    def fingerprint(self, out: str = "mine") -> str:
        found = re.search(r'^fingerprint = "(\w+)"', (self.folder / out / "encoder.toml").read_text(), re.MULTILINE)
        assert found
        return found[1]


@pytest.fixture(scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Two folders that were adapted to once: ``mine``, ``garden.samekind`` and a warm cache."""
    room = tmp_path_factory.mktemp("gardens")
    for seed, name in enumerate(("garden", "meadow")):
        draw_kinds(room / name, seed, kinds=12)
    made = Place(Mocked(room, tmp_path_factory.mktemp("warm")))
    answer = made.adapt("garden", "meadow")
    assert (answer.code, answer.err) == (0, ""), answer
    synced = made.command("sync", "garden", "--into", "garden.samekind", "--encoder", "mock", "--no-tune", "--quiet")
    assert synced.code == 0, synced
    return made


@pytest.fixture
def made(_made: Place, tmp_path: Path) -> Place:
    """A copy with the encoder in it."""
    shutil.copytree(_made.folder, tmp_path / "room")
    return Place(Mocked(tmp_path / "room", _made.command.home))


@pytest.fixture
def place(made: Place) -> Place:
    """A copy without the encoder."""
    shutil.rmtree(made.out)
    return made


def test_the_encoder_is_used(made: Place) -> None:
    synced = made.command("sync", "meadow", "--into", "m.samekind", "--encoder", "mine", "--quiet")
    assert synced.code == 0, synced


def test_the_encoder_grows(made: Place) -> None:
    draw_kinds(made.folder / "moss", 2, kinds=14, light=130)
    kept = made.command("sync", "garden", "--into", "kept.samekind", "--encoder", "mine", "--no-tune", "--quiet")
    assert kept.code == 0, kept
    grow = ("adapt", "moss", "--grow", "mine", "--out", "more", "--quiet")
    answer = made.command(*grow, "--keep", "kept.samekind", "--json")
    assert (answer.code, answer.err) == (0, ""), answer
    assert (answer.json["method"], answer.json["grown_from"]) == ("grown", str(made.out))
    assert answer.json["growth"]["kept"] == {"kept": PICTURES}
    assert (made.folder / "more/report.html").is_file()
    migrated = made.command("migrate", "kept.samekind", "--encoder", "more", "--quiet")
    assert migrated.code == 0, migrated


def test_what_cannot_grow(made: Place) -> None:
    shutil.copytree(made.out, made.folder / "orphan")
    about = made.folder / "orphan/encoder.toml"
    about.write_text(about.read_text().replace('base = "mock"', 'base = "onnx:nowhere.onnx"'))
    (made.folder / "torn").mkdir()
    (made.folder / "torn/encoder.toml").write_text("format = ")
    for words, sentence in (
        (("--grow", "mine", "--encoder", "mock"), "--grow goes on from the encoder that it names"),
        (("--grow", "mine", "--method", "experts"), "leave out --encoder, --method and --teacher"),
        (("--keep", "garden.samekind", "--encoder", "mock"), "--keep goes with --grow"),
        (("--grow", "lite"), "lite is no adapted encoder; name a folder"),
        (("--grow", "./nowhere"), "There is no encoder in"),
        (("--grow", "garden"), "There is no encoder in"),
        (("--grow", "torn"), "encoder.toml cannot be read"),
        (("--grow", "orphan"), "nowhere.onnx"),
        (("--grow", "mine", "--keep", "garden.samekind"), "made with encoder 'mock', not"),
        (("--grow", "mine", "--keep", "meadow"), "meadow is to be added and to be kept as it is"),
    ):
        before = state(made.folder)
        answer = made.command("adapt", "meadow", *words, "--out", "more", "--quiet")
        assert answer.code == 2, answer
        assert sentence in answer.sentence
        assert state(made.folder) == before


def test_too_little_of_everything(place: Place) -> None:
    draw(place.folder / "one/only.jpg", KINDS["red"], 1)
    (place.folder / "empty").mkdir()
    for take in range(49):
        draw(place.folder / f"few/{take}.jpg", KINDS["red"], take)
    assert place.refused("garden", "one") == (
        "one has 1 picture; adaptation wants 50 or more of each collection: leave it out, or add pictures to it."
    )
    assert place.refused("few", "garden").startswith("few has 49 pictures; adaptation wants 50 or more")
    assert place.refused("one/only.jpg").startswith("only has 1 picture;")
    named = "name a collection or folder that holds some."
    assert place.refused("garden", "empty") == f"There are no pictures in {place.folder / 'empty'}; {named}"


def test_what_is_wrong_is_found_before_anything_is_encoded(place: Place, tmp_path: Path) -> None:
    cold = {"SAMEKIND_CACHE": str(tmp_path / "cold")}
    (place.folder / "empty").mkdir()
    assert "no collection or folder" in place.refused("garden", "nowhere", **cold)
    assert "There are no pictures in" in place.refused("garden", "empty", **cold)
    assert not (tmp_path / "cold/adapt").exists()


def test_pictures_that_are_all_the_same(place: Place) -> None:
    draw(place.folder / "first.jpg", KINDS["blue"], 7)
    data = (place.folder / "first.jpg").read_bytes()
    for folder, differ in (("copies", b""), ("lookalikes", b"#")):
        (place.folder / folder).mkdir()
        for n in range(PICTURES):
            (place.folder / folder / f"{n}.jpg").write_bytes(data + differ * n)
    said = place.refused("copies")
    assert said.startswith("copies has 1 picture, copies not counted; adaptation wants 50 or more"), said
    answer = place.adapt("lookalikes", "garden", "--json")
    assert answer.code in (0, 1), answer
    assert answer.err == ""
    assert answer.json["collections"]["lookalikes"]["pictures"] == PICTURES


def test_broken_files_among_them(place: Place) -> None:
    for n in range(3):
        (place.folder / f"garden/broken-{n}.jpg").write_bytes(b"no picture" * n)
    answer = place.command("adapt", "garden", "meadow", "--out", "mine", "--encoder", "mock")
    assert answer.code == 0, answer
    assert answer.err.count("\n") == 3
    assert re.search(r"^skipped .*broken-0\.jpg: empty file", answer.err, re.MULTILINE)
    assert re.search(r"^skipped .*broken-1\.jpg: not a picture", answer.err, re.MULTILINE)
    assert re.search(r"^garden +passed +60 ", answer.out, re.MULTILINE)


def test_a_source_named_twice_counts_once(place: Place) -> None:
    (place.folder / "link").symlink_to("garden")
    answer = place.adapt("garden", "meadow", "garden/", "meadow/../garden", "link", "--json")
    assert (answer.code, answer.err) == (0, "")
    assert list(answer.json["collections"]) == ["garden", "meadow"]


@pytest.mark.parametrize("what", ["folder", "file", "dangling link"])
def test_an_output_that_is_there(place: Place, what: str) -> None:
    if what == "folder":
        place.out.mkdir()
    elif what == "file":
        place.out.write_text("mine")
    else:
        place.out.symlink_to("nowhere")
    assert place.refused("garden", "meadow") == (
        f"{place.out} is there already; name a folder that does not exist yet."
    )


def test_an_output_without_a_folder_above(place: Place) -> None:
    said = place.refused("garden", "--out", "no/where")
    assert said == f"{place.folder / 'no'} is no folder that can be written to; name another place for the encoder."


@pytest.mark.skipif(not permissions_hold(), reason="this user may do everything")
def test_folders_that_cannot_be_written_to(place: Place, tmp_path: Path) -> None:
    sealed = tmp_path / "sealed"
    sealed.mkdir(mode=0o555)
    said = place.refused("garden", "--out", sealed / "mine", like_anyone=True)
    assert said == f"{sealed} is no folder that can be written to; name another place for the encoder."
    said = place.refused("garden", like_anyone=True, SAMEKIND_CACHE=str(sealed))
    assert re.fullmatch(rf"{sealed}/adapt cannot be made \(Permission denied\); set SAMEKIND_CACHE to another\.", said)
    (tmp_path / "half/adapt").mkdir(parents=True)
    (tmp_path / "half/adapt").chmod(0o555)
    said = place.refused("garden", like_anyone=True, SAMEKIND_CACHE=str(tmp_path / "half"))
    assert said == f"{tmp_path / 'half/adapt'} cannot be written to; set SAMEKIND_CACHE to another."


def test_a_collection_of_another_encoder(place: Place) -> None:
    manifest = place.folder / "garden.samekind/samekind.toml"
    text = re.sub(r'^fingerprint = ".{8}', 'fingerprint = "ffffffff', manifest.read_text(), flags=re.MULTILINE)
    manifest.write_text(text)
    said = place.refused("garden.samekind", "meadow")
    assert "garden.samekind holds vectors of another version of encoder 'mock'; run samekind migrate" in said
    manifest.write_text(text.replace('"mock"', '"tiny"'))
    said = place.refused("meadow", "garden.samekind")
    assert said == (
        f"{place.folder / 'garden.samekind'} was made with encoder 'tiny', not 'mock'; give --encoder tiny, or name "
        "its folders of pictures instead."
    )


def test_the_encoder_of_the_environment(place: Place) -> None:
    words = ("adapt", "garden", "meadow", "--out", "mine", "--json", "--quiet")
    assert place.command(*words, SAMEKIND_ENCODER="mock").json["base"] == "mock"
    shutil.rmtree(place.out)
    assert place.command(*words, "--encoder", "mock", SAMEKIND_ENCODER="tiny").json["base"] == "mock"
    said = place.command("adapt", "garden", "--out", "other", SAMEKIND_ENCODER="dinno").sentence
    assert "no encoder 'dinno'" in said
    said = place.command("adapt", "meadow", "--out", "other", SAMEKIND_ENCODER=str(place.out)).sentence
    assert said.endswith("mine is adapted already; add to it with --grow, or take its base: --encoder mock.")


def test_files_follow_the_umask(place: Place) -> None:
    words = place.command.line("adapt", "garden", "meadow", *OUT)
    for mask, mode in ((0o027, 0o640), (0o002, 0o664)):
        subprocess.run(words, cwd=place.folder, env=place.command.environment, umask=mask, check=True)
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in place.out.iterdir()}
        written = ("encoder.toml", "experts.safetensors", "golden.json", "report.html", "report.json")
        assert modes == dict.fromkeys(written, mode)
        assert stat.S_IMODE(place.out.stat().st_mode) == 0o777 & ~mask
        shutil.rmtree(place.out)


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def cut(name: str, keep: float = 0.5) -> Callable[[Path], None]:
    return lambda folder: os.truncate(folder / name, int((folder / name).stat().st_size * keep))


def with_text(old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        file = folder / "encoder.toml"
        text = re.sub(old, new, file.read_text(), flags=re.MULTILINE)
        assert text != file.read_text()
        file.write_text(text)

    return change


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (without("encoder.toml"), "There is no encoder in .*/mine; name a folder that samekind adapt made"),
        (without("experts.safetensors"), "A part of .*/mine cannot be read .*experts.safetensors.*; copy the folder"),
        (without("golden.json"), "A part of .*/mine cannot be read .*golden.json.*; copy the folder again"),
        (cut("encoder.toml", 0.3), "mine/encoder.toml cannot be read .*; copy the folder again or run samekind adapt"),
        (cut("encoder.toml", 0), "mine/encoder.toml cannot be read .*; copy the folder again or run samekind adapt"),
        (cut("experts.safetensors"), "A part of .*/mine cannot be read .*; copy the folder again"),
        (cut("experts.safetensors", 0), "A part of .*/mine cannot be read .*; copy the folder again"),
        (cut("golden.json"), "A part of .*/mine cannot be read .*; copy the folder again"),
        (
            with_text('^base_fingerprint = "....', 'base_fingerprint = "ffff'),
            "was fitted to another mock .*than the one",
        ),
        (with_text('^base = "mock"', 'base = "lire"'), "no encoder 'lire'; known: .*Did you mean 'lite'"),
        (
            with_text('^method = "experts"', 'method = "both"'),
            "adaptors.safetensors cannot be read .*; copy the folder",
        ),
        (with_text("^format = 1", "format = 9"), "mine was written by a later samekind; install a newer"),
    ],
)
def test_an_encoder_folder_that_is_damaged(made: Place, damage: Callable[[Path], None], sentence: str) -> None:
    damage(made.out)
    before = state(made.folder)
    answer = made.command("sync", "garden", "--into", "new.samekind", "--encoder", "mine", "--quiet")
    assert answer.code == 2
    assert re.search(sentence, answer.sentence), answer.sentence
    assert state(made.folder) == before


@pytest.mark.parametrize("failure", ["ImportError", "OSError"])
def test_without_torch(place: Place, tmp_path: Path, failure: str) -> None:
    (tmp_path / "torchless").mkdir()
    (tmp_path / "torchless/torch.py").write_text(f"raise {failure}('libtorch.so: no such file')\n")
    path = os.pathsep.join([str(tmp_path / "torchless"), os.environ.get("PYTHONPATH", "")])
    answer = place.command("adapt", "garden", "meadow", "--out", "mine", PYTHONPATH=path)
    assert answer.code == 2
    assert answer.sentence == (
        "Training wants torch, which is not installed: pip install 'samekind[adapt]', or take --method experts."
    )
    assert place.adapt("garden", "meadow", PYTHONPATH=path).code == 0


@pytest.mark.skipif(shutil.which("unshare") is None, reason="no file system of its own can be mounted here")
def test_a_full_cache(place: Place, tmp_path: Path) -> None:
    """One sentence; with room the same command goes on."""
    (tmp_path / "disk").mkdir()
    script = """
        mount -t tmpfs -o size=100k none "$1" || exit 77
        cd "$2"; shift 2
        "$@"
        code=$?
        test -e mine && exit 78
        mount -o remount,size=64m "$SAMEKIND_CACHE" || exit 77
        "$@" > /dev/null || exit 79
        exit $code
    """
    disk = tmp_path / "disk"
    line = place.command.line("adapt", "garden", "meadow", *OUT)
    run = place.command.shell(f"export SAMEKIND_CACHE='{disk}'; {script}", str(disk), str(place.folder), *line)
    if run.code == 77 or run.err.startswith("unshare"):
        pytest.skip("no file system of its own can be mounted here")
    assert run.code == 2, run
    assert re.search(r"No space", run.sentence), run.err
    assert (place.out / "encoder.toml").is_file()


def left_beside(out: Path) -> list[str]:
    return [one.name for one in out.parent.iterdir() if one.name.startswith(f".{out.name}")]


@pytest.fixture
def undisturbed(_made: Place) -> str:
    """The fingerprint of a run that was left alone."""
    return _made.fingerprint()


@pytest.mark.parametrize(
    ("how", "stage"),
    [
        *(("SIGKILL", stage) for stage in ("looking", "comparing", "encoding:3", "encoding:6", "checking", "writing")),
        *(("SIGINT", stage) for stage in ("encoding:3", "checking", "writing")),
    ],
)
def test_a_run_that_is_broken_off(place: Place, undisturbed: str, tmp_path: Path, how: str, stage: str) -> None:
    cold = {"SAMEKIND_CACHE": str(tmp_path / "cold")}
    ended = place.adapt("garden", "meadow", END_AT=f"{how}:{stage}", **cold)
    assert not place.out.exists()
    if how == "SIGINT":
        assert (ended.code, ended.sentence) == (130, "Interrupted; what was finished is kept.")
        assert left_beside(place.out) == []
    else:
        assert (ended.code, ended.err) == (-signal.SIGKILL, "")
        assert len(left_beside(place.out)) == (stage == "writing")
    again = place.adapt("garden", "meadow", **cold)
    assert (again.code, again.err) == (0, "")
    assert place.fingerprint() == undisturbed


@pytest.mark.weights
def test_training_that_is_broken_off_again_and_again(place: Place, tmp_path: Path) -> None:
    """Each run goes on with what the one before left; the end is that of a run that was left alone."""
    pytest.importorskip("torch")
    for cache in ("cold", "alone"):
        (tmp_path / cache).mkdir()
        (tmp_path / cache / "weights").symlink_to(cache_folder() / "weights")

    def adapted(cache: str, out: str, end: str = "") -> Answer:
        words = ("adapt", "garden", "--out", out, "--encoder", "dino", "--method", "grappa", "--quiet")
        return place.command(*words, SAMEKIND_CACHE=str(tmp_path / cache), FEW_ROUNDS="1", END_AT=end)

    def left(pattern: str) -> int:
        return len(list((tmp_path / "cold/tokens").glob(f"*/{pattern}")))

    for how, stage, code, kept in (
        ("SIGKILL", "preparing:3", -signal.SIGKILL, 0),
        ("SIGKILL", "training:2", -signal.SIGKILL, 1),  # before the second epoch
        ("SIGINT", "training:4", 130, 3),  # before the last one, in the second round
    ):
        assert adapted("cold", "mine", f"{how}:{stage}").code == code
        assert not place.out.exists()
        assert (left("tokens.npy"), left("*.kept")) == (1, kept)
    assert adapted("alone", "other", "SIGKILL:writing").code == -signal.SIGKILL
    for cache, out in (("cold", "mine"), ("alone", "other")):
        answer = adapted(cache, out)
        assert (answer.code, answer.err) == (0, "")
        assert list((tmp_path / cache / "tokens").iterdir()) == []
    assert place.fingerprint("mine") == place.fingerprint("other")
    written = [(place.folder / out / "adaptors.safetensors").read_bytes() for out in ("mine", "other")]
    assert written[0] == written[1]


@pytest.mark.weights
def test_two_processes(place: Place, tmp_path: Path) -> None:
    """torchrun starts the command twice: one of them speaks and writes, both end alike; also where it is refused."""
    pytest.importorskip("torch")
    (tmp_path / "cold").mkdir()
    (tmp_path / "cold/weights").symlink_to(cache_folder() / "weights")
    network = write_conv(tmp_path / "network.onnx")

    def adapted(*words: str | Path) -> Answer:
        line = place.command.line("adapt", *words, "--encoder", f"onnx:{network}", "--method", "grappa", "--json")
        several = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *line[1:]]
        few = {"SAMEKIND_CACHE": str(tmp_path / "cold"), "FEW_ROUNDS": "1"}
        run = subprocess.run(
            several,
            cwd=place.folder,
            env=place.command.environment | few,
            capture_output=True,
            timeout=300,
            check=False,
        )
        return Answer(run.returncode, run.stdout, run.stderr.decode())

    answer = adapted("garden", "meadow", "--out", "mine")
    assert answer.code == 0, answer
    assert answer.json["saved"] == "grappa"
    assert list((tmp_path / "cold/tokens").iterdir()) == []
    refused = adapted("garden", "meadow", "--out", "mine")
    assert refused.err.count("samekind: ") == 1, refused
    assert f"samekind: {place.out} is there already; name a folder that does not exist yet." in refused.err
    assert refused.code == 1  # torchrun's own
