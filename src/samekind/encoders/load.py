"""Encoders by name, ready to use."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from samekind.encoders import adapted, catalog, graph, hub, hub_text, weights
from samekind.encoders.adapted import AdaptedEncoder
from samekind.encoders.base import TextTower
from samekind.encoders.download import file_sha256
from samekind.encoders.hub import HUB
from samekind.encoders.realigned import Realigned
from samekind.encoders.recipe import RecipeEncoder, Trunk, fingerprint
from samekind.encoders.runtime import Network
from samekind.errors import EncoderError, UsageError
from samekind.events import Event, Job
from samekind.pictures.views import View
from samekind.settings import Settings, resolve

ONNX = "onnx:"
_FILE = "onnx"
_CLASSIFIED = 224


def load_encoder(
    name: str, settings: Settings | None = None, on_event: Callable[[Event], None] | None = None
) -> RecipeEncoder | AdaptedEncoder:
    """An encoder by name: lite, tiny, dino, dino@SIDE, best, onnx:FILE, hub:MODEL, or the folder of an adapted encoder.

    Fetches missing weights first, which is a long job: ``on_event`` hears of its progress (or run ``fetch`` before).
    Raises UsageError for an unknown name, WeightsMissing, WrongWeights, EncoderError for an unusable ONNX file or hub
    model, and MissingExtra for a hub model that is still to be converted where the extra is not installed.
    """
    settings = settings or resolve()
    if (folder := adapted_folder(name)) is not None:
        about = adapted.read_about(folder)
        name = about.base
        if about.rest.get("method", "experts") == "experts" and not (folder / adapted.ADAPTORS).exists():
            return adapted.assemble(folder, load_encoder(name, settings, on_event))
        for event in fetch(name, settings):
            if on_event:
                on_event(event)
        plain = cache(lambda: with_adaptors(name, {}, settings))
        return adapted.assemble(folder, _with_trained(folder, name, settings), plain)
    for event in fetch(name, settings):
        if on_event:
            on_event(event)
    return with_adaptors(name, {}, settings)


def load_text_tower(
    name: str, settings: Settings | None = None, on_event: Callable[[Event], None] | None = None
) -> TextTower | None:
    """The words of the encoder ``name``; None where it has none: all but hub models with a text tower, also adapted.

    A hub model's text tower is converted when it is first asked for: ``on_event`` hears of it. Raises UsageError for an
    unknown name, what ``load_encoder`` raises for a hub model, EncoderError for a model without a tokenizer or with an
    unusable one, and MissingExtra where the package tokenizers is not installed.
    """
    settings = settings or resolve()
    check_name(name)
    if (folder := adapted_folder(name)) is not None:
        matrix = adapted.read_words(folder)
        base = None if matrix is None else load_text_tower(adapted.read_about(folder).base, settings, on_event)
        return None if base is None or matrix is None else Realigned(base, matrix, str(folder))
    if not name.startswith(HUB):
        return None
    job = Job(hub_text.make_text(name, settings))
    for event in job:
        if on_event:
            on_event(event)
    kept = job.result()
    return hub_text.text_tower(kept, full_name(name), settings) if kept else None


def fetch(name: str, settings: Settings | None = None) -> Job[tuple[Path, ...]]:
    """Makes sure that an encoder's weights are on this machine: their files, one for each network.

    For onnx:FILE there is nothing to fetch; a hub model is converted, too, and gives the file of its graph. Raises
    UsageError for an unknown name; the job raises what ``load_encoder`` raises otherwise.
    """
    if (folder := adapted_folder(name)) is not None:
        return fetch(adapted.read_about(folder).base, settings)
    check_name(name)
    if name.startswith(HUB):
        return Job(_fetch_hub(name, settings or resolve()))
    parts = () if name.startswith(ONNX) else catalog.record(name).weights
    return Job(_fetch(parts, settings or resolve()))


def check_name(name: str) -> None:
    """Raises UsageError for a name that can be no encoder; looks at nothing but the name and its folder."""
    if name.startswith(HUB):
        hub.source_of(name)
    elif not name.startswith(ONNX) and adapted_folder(name) is None:
        catalog.record(name)


def with_adaptors(name: str, adaptors: Mapping[str, graph.Tensors], settings: Settings) -> RecipeEncoder:
    """Any encoder but an adapted one, with trained ``adaptors`` in those of its networks that these name.

    The fingerprint is another where there are any. The weights must be on this machine.
    """
    made = [_with_adaptors(one, adaptors.get(one.trunk.name), settings) for one in blueprints(name, settings)]
    return RecipeEncoder(full_name(name), [trunk for trunk, _ in made], [network for _, network in made])


def _with_trained(folder: Path, name: str, settings: Settings) -> RecipeEncoder:
    try:
        return with_adaptors(name, adapted.read_adaptors(folder), settings)
    except (KeyError, ValueError, RuntimeError):
        raise EncoderError(
            f"{folder / adapted.ADAPTORS} does not fit {name}; copy the folder again or run samekind adapt again."
        ) from None


@dataclass(frozen=True)
class Blueprint:
    """One network of an encoder: its recipe, and what builds its graph."""

    trunk: Trunk
    build: Callable[[], Any]


def blueprints(name: str, settings: Settings, *, every_token: bool = False) -> list[Blueprint]:
    """The networks of an encoder whose weights are on this machine. Raises as ``load_encoder`` does.

    With ``every_token`` graphs are built that end in tokens where the usual one leaves out what the vector can do
    without.
    """
    if name.startswith(ONNX):
        return [_from_file(_onnx_file(name))]
    if name.startswith(HUB):
        kept = Job(hub.make(name, settings)).result()
        return [Blueprint(kept.trunk, kept.build)]
    trunks, files = catalog.record(name).trunks, fetch(name, settings).result()
    graphs = _GRAPHS | {"dino": partial(_dino, every_token=True)} if every_token else _GRAPHS
    return [
        Blueprint(trunk, partial(graphs[trunk.name], file, trunk)) for trunk, file in zip(trunks, files, strict=True)
    ]


def _with_adaptors(one: Blueprint, adaptors: graph.Tensors | None, settings: Settings) -> tuple[Trunk, Network]:
    trunk = one.trunk
    if adaptors is None:
        return trunk, Network(one.build, settings, key="" if trunk.name == _FILE else _key(trunk))
    digest = adapted.adaptors_digest(trunk.digest, adaptors)
    dim = trunk.dim * graph.streams_of(adaptors)
    changed = replace(trunk, name=f"{trunk.name}+adaptors", digest=digest, dim=dim, golden=())
    return changed, Network(lambda: graph.with_adaptors(one.build(), adaptors), settings, key=_key(changed))


def _key(trunk: Trunk) -> str:
    return f"{trunk.name}@{trunk.view.side}-{trunk.digest[:8]}"


def adapted_folder(name: str) -> Path | None:
    """The absolute folder of an adapted encoder, None for other names. Raises UsageError where it is not there."""
    if name in catalog.RECORDS or name.startswith((ONNX, HUB)):
        return None
    folder = Path(name).expanduser().absolute()
    if adapted.is_adapted(name):
        return folder
    if adapted.looks_like_folder(name) or folder.is_dir():
        raise UsageError(f"There is no encoder in {folder}; name a folder that samekind adapt made.")
    return None


def print_of(name: str, settings: Settings) -> str:
    """The fingerprint that the encoder of that name has now, without loading it. Raises as ``load_encoder`` does."""
    if (folder := adapted_folder(name)) is not None:
        return adapted.read_about(folder).fingerprint
    return fingerprint([one.trunk for one in blueprints(name, settings)])


def full_name(name: str) -> str:
    """The name under which a collection remembers an encoder: files and folders absolute, hub models at a commit."""
    if name.startswith(HUB):
        return hub.full_name(name)
    if name.startswith(ONNX):
        return f"{ONNX}{_onnx_file(name)}"
    folder = adapted_folder(name)
    return name if folder is None else str(folder)


def is_fetched(name: str) -> bool:
    """Whether an encoder can be loaded without fetching anything."""
    return all(weights.cached(one) for one in catalog.record(name).weights)


def _fetch(parts: Sequence[catalog.Weights], settings: Settings) -> Generator[Event, None, tuple[Path, ...]]:
    paths = []
    for one in parts:
        job = weights.fetch(one, settings)
        yield from job
        paths.append(job.result())
    return tuple(paths)


def _onnx_file(name: str) -> Path:
    return Path(name.removeprefix(ONNX)).expanduser().absolute()


def _fetch_hub(name: str, settings: Settings) -> Generator[Event, None, tuple[Path, ...]]:
    return ((yield from hub.make(name, settings)).graph,)


def _from_file(path: Path) -> Blueprint:
    from samekind.encoders.onnx import read_onnx

    _, side, dim = read_onnx(path)
    trunk = Trunk(_FILE, file_sha256(path), View("squash", side), "own", dim)
    return Blueprint(trunk, lambda: read_onnx(path)[0])


def classifier(settings: Settings) -> Network:
    """The network of ``lite`` with its 1,000 class scores as outputs, (n, 1000) float32."""
    from samekind.encoders.efficientnet import build_efficientnet
    from samekind.encoders.torch_legacy import read_tensors

    (file,) = fetch("lite", settings).result()
    digest = catalog.WEIGHTS["lite"].digest
    build = partial(build_efficientnet, read_tensors(file), _CLASSIFIED, classifier=True)
    return Network(build, settings, key=f"classes@{_CLASSIFIED}-{digest[:8]}")


def _lite(path: Path, trunk: Trunk) -> Any:
    from samekind.encoders.efficientnet import build_efficientnet
    from samekind.encoders.torch_legacy import read_tensors

    return build_efficientnet(read_tensors(path), trunk.view.side)


def _tiny(path: Path, trunk: Trunk) -> Any:
    from samekind.encoders.onnx import read_onnx

    return read_onnx(path)[0]


def _dino(path: Path, trunk: Trunk, *, every_token: bool = False) -> Any:
    from safetensors.numpy import load_file

    from samekind.encoders.vit import build_vit

    return build_vit(load_file(path), trunk.view.side, every_token=every_token)


_GRAPHS: dict[str, Callable[[Path, Trunk], Any]] = {"lite": _lite, "tiny": _tiny, "dino": _dino}
