"""The table of encoders: what each is, whether it is here, and how fast it was."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from samekind.encoders import catalog, hub, weights
from samekind.encoders.rates import known_rates
from samekind.errors import EncoderError, MissingExtra


@dataclass(frozen=True)
class Listed:
    """An encoder for people. Megabytes are those of its weights; rates are pictures a second.

    ``reference_rate`` was measured once on two processor cores in float32, None for hub models; ``rate`` by the last
    sync on this machine, None where there was none. ``files`` are its weights on this machine, None for those that are
    not fetched.
    """

    name: str
    about: str
    dim: int
    megabytes: int
    licence: str
    origin: str
    reference_rate: float | None
    rate: float | None
    fetched: bool
    files: tuple[str | None, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def list_encoders() -> list[Listed]:
    """Every encoder of the catalog, in its order, then the hub models that were converted on this machine."""
    rates = known_rates()
    known = [_listed(record, rates.get(record.name)) for record in catalog.RECORDS.values()]
    return known + [_from_hub(kept, rates.get(kept.source)) for kept in hub.kept_here()]


def _listed(record: catalog.Record, rate: float | None) -> Listed:
    parts = record.weights
    files = tuple(_file(one) for one in parts)
    return Listed(
        name=record.name,
        about=record.about,
        dim=record.dim,
        megabytes=round(sum(one.size for one in parts) / 1e6),
        licence=" and ".join(dict.fromkeys(one.licence for one in parts)),
        origin="; ".join(one.origin for one in parts),
        reference_rate=record.rate,
        rate=rate,
        fetched=all(files),
        files=files,
    )


def _from_hub(kept: hub.Kept, rate: float | None) -> Listed:
    return Listed(
        name=kept.source,
        about=f"image tower of a {kept.kind} model",
        dim=kept.dim,
        megabytes=round(kept.size / 1e6),
        licence="its own",
        origin=kept.source,
        reference_rate=None,
        rate=rate,
        fetched=True,
        files=(str(kept.graph),),
    )


def _file(one: catalog.Weights) -> str | None:
    try:
        path = weights.cached(one)
    except (EncoderError, MissingExtra):  # a damaged or absent package: listed as not here
        return None
    return str(path) if path else None
