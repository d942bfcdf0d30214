from pathlib import Path

import pytest

from samekind.collection import Collection
from samekind.demo.ground import claim, collection_at, encoder_for
from samekind.encoders import load
from samekind.errors import UsageError, WeightsMissing
from samekind.events import Job, Warned
from samekind.settings import Settings
from tests.collection.mock import MockEncoder


def test_a_folder_of_something_else_is_refused_and_ones_own_is_taken_again(tmp_path: Path) -> None:
    own = tmp_path / "own"
    claim(own)
    (own / "more").write_text("x")
    claim(own)
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    claim(foreign)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "draft.txt").write_text("x")
    with pytest.raises(UsageError, match="not from a demo"):
        claim(tmp_path / "thesis")
    with pytest.raises(UsageError, match="not from a demo"):
        claim(tmp_path / "thesis" / "draft.txt")


def test_a_collection_is_kept_for_the_same_encoder_and_made_anew_for_another(tmp_path: Path) -> None:
    path = tmp_path / "a.samekind"
    made = collection_at(path, MockEncoder())
    (path / "witness").write_text("")
    assert collection_at(path, MockEncoder()).fingerprint == made.fingerprint
    assert (path / "witness").exists()
    assert collection_at(path, MockEncoder("other")).encoder_name == "other"
    assert not (path / "witness").exists()
    (path / "samekind.toml").write_text("not [ toml")
    assert isinstance(collection_at(path, MockEncoder()), Collection)


def test_without_weights_the_default_falls_back_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str, settings: Settings) -> Job[None]:
        def steps():  # type: ignore[no-untyped-def]
            raise WeightsMissing("No network.")
            yield

        return Job(steps())

    monkeypatch.setattr(load, "fetch", absent)
    monkeypatch.setattr(load, "load_encoder", lambda name, settings: MockEncoder(name))
    job = Job(encoder_for(Settings(sources={"encoder": "default"})))
    (event,) = list(job)
    encoder, why = job.result()
    assert encoder.name == "lite"
    assert isinstance(event, Warned)
    assert why == event.message
    assert "No network." in why
    with pytest.raises(WeightsMissing):
        Job(encoder_for(Settings(sources={"encoder": "flag"}))).result()
