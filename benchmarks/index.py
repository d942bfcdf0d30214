"""Figure 2: syncing beside this machine's limit and beside the usual loop; memory; a sync with nothing new.

    python benchmarks/index.py speed [--encoder dino] [--pictures 600]    small JPEGs and generated 12-megapixel ones
    python benchmarks/index.py memory                                     1,000 and 50,000 pictures, cheap encoder

The limit: CPU seconds of decoding and of the network, each alone, over the cores. The usual loop: Pillow in line,
the same network in PyTorch float32, batches of 32 (only where torch is installed; dino only).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from common import SHARED, cpu_seconds, save

from samekind import Collection, load_encoder
from samekind.encoders.base import Part
from samekind.pictures.decode import Limits, read_picture

CORES = len(os.sched_getaffinity(0))
LIMITS = Limits(400_000_000, 500_000_000)


def small_pictures(folder: Path, n: int) -> None:
    """Real JPEGs of at most 256 pixels, all different."""
    files = sorted(file for name in ("birds", "flowers", "grocery", "ikea") for file in (SHARED / name).rglob("*.jpg"))
    for number, file in enumerate(files[:: max(1, len(files) // n)][:n]):
        shutil.copy(file, folder / f"{number:05}.jpg")


def large_pictures(folder: Path, n: int) -> None:
    """Generated JPEGs of 4000 x 3000: smooth colours with camera-like grain."""
    from PIL import Image

    for number in range(n):
        rng = np.random.default_rng(number)
        coarse = Image.fromarray(rng.integers(0, 256, (30, 40, 3), np.uint8)).resize(
            (4000, 3000), Image.Resampling.BICUBIC
        )
        grain = rng.integers(-6, 7, (3000, 4000, 1), np.int16)
        pixels = np.clip(np.asarray(coarse, np.int16) + grain, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:05}.jpg", quality=90)


def cost(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Wall and CPU seconds, and what the work gave."""
    start, cpu = time.perf_counter(), cpu_seconds()
    result = work()
    return time.perf_counter() - start, cpu_seconds() - cpu, result


def usual_loop(files: list[Path]) -> float | None:
    """Wall seconds: Pillow in line, PyTorch float32, batches of 32. None without torch."""
    try:
        import torch
        from usual_vit import TorchViT
    except ImportError:
        return None
    from PIL import Image

    torch.set_num_threads(CORES)
    model = TorchViT()
    mean, std = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)

    def batch_of(some: list[Path]) -> Any:
        rows = [
            np.asarray(Image.open(file).convert("RGB").resize((224, 224), Image.Resampling.BICUBIC)) for file in some
        ]
        return torch.from_numpy(((np.stack(rows) / np.float32(255) - mean) / std).transpose(0, 3, 1, 2).copy())

    with torch.inference_mode():
        model(batch_of(files[:2]))
        start = time.perf_counter()
        for at in range(0, len(files), 32):
            model(batch_of(files[at : at + 32]))
        return time.perf_counter() - start


def speed(name: str, n: int) -> None:
    """Both kinds of JPEG: decode alone, network alone, the whole sync, the usual loop."""
    encoder = load_encoder(name)
    rows = []
    for kind, make, count in (
        ("small JPEGs", small_pictures, n),
        ("12-megapixel JPEGs", large_pictures, max(n // 6, 32)),
    ):
        with tempfile.TemporaryDirectory() as folder:
            pictures = Path(folder, "pictures")
            pictures.mkdir()
            make(pictures, count)
            files = sorted(pictures.iterdir())

            def decode(files: list[Path] = files) -> list[Any]:
                return [encoder.prepare(read_picture(file, LIMITS, encoder.input_side).pixels) for file in files]

            _, decode_cpu, prepared = cost(decode)
            encoder.encode(prepared[:16])
            _, network_cpu, _ = cost(
                lambda prepared=prepared: [encoder.encode(prepared[at : at + 16]) for at in range(0, len(prepared), 16)]
            )
            collection = Collection.create(Path(folder, "c.samekind"), encoder)
            job = collection.sync([pictures], encoder=encoder, tune=False)
            wall, cpu, _ = cost(job.result)
            views = len(collection.views()[0])
            usual = usual_loop(files) if name == "dino" else None
        encodings = count + 2 * views
        limit = count / ((decode_cpu + network_cpu * encodings / count) / CORES)
        rows.append(
            {
                "pictures": f"{count} {kind}",
                "encoder": name,
                "sync, pictures/s": count / wall,
                "limit, pictures/s": limit,
                "share of the limit": count / wall / limit,
                "share by CPU seconds": (decode_cpu + network_cpu * encodings / count) / cpu,
                "decode, CPU ms": 1000 * decode_cpu / count,
                "network, CPU ms": 1000 * network_cpu / count,
                "sync, CPU ms": 1000 * cpu / count,
                "second views": 2 * views,
                "times the usual loop": usual and usual / count * encodings / wall,
            }
        )
    notes = [
        "Second views for tuning are part of the sync; the limit and the usual loop are charged with them too.",
        "The share by CPU seconds does not see what other processes took; it tells what a sync spends on other things.",
    ]
    save(f"index_{name}", f"Syncing, {name}", rows, notes)


class Thumbnail:
    """A cheap encoder for the memory run: 8 x 8 colours and a fixed projection to 384 numbers."""

    name, dim, fingerprint, input_side = "thumbnail", 384, hashlib.sha256(b"thumbnail").hexdigest()[:16], 224
    parts = (Part("thumbnail", 0, 384),)

    def __init__(self) -> None:
        self.matrix = np.random.default_rng(0).normal(size=(192, 384)).astype(np.float32)

    def prepare(self, pixels: np.ndarray) -> tuple[np.ndarray]:
        rows, columns = (np.linspace(0, side - 1, 8).astype(int) for side in pixels.shape[:2])
        return (np.ascontiguousarray(pixels[np.ix_(rows, columns)]),)

    def encode(self, batch: list[tuple[np.ndarray]]) -> np.ndarray:
        flat = np.stack([one[0].reshape(-1) for one in batch]).astype(np.float32) - 127.3
        projected = flat @ self.matrix
        return projected / np.linalg.norm(projected, axis=1, keepdims=True)


def one_memory_run(n: int, folder: Path) -> dict[str, Any]:
    """Syncs n pictures, tunes, and syncs again, in this process."""
    encoder = Thumbnail()
    collection = Collection.create(folder / f"{n}.samekind", encoder)
    pictures = [folder / f"pictures-{n}"]
    first, _, _ = cost(lambda: collection.sync(pictures, encoder=encoder, tune=False).result())
    synced = peak_memory()
    tuned, _, _ = cost(lambda: collection.tune().result())
    after = peak_memory()
    again, _, _ = cost(lambda: collection.sync(pictures, encoder=encoder).result())
    return {
        "pictures": n,
        "first sync, s": first,
        "its peak memory, MB": synced,
        "tune, s": tuned,
        "peak memory after it, MB": after,
        "sync with nothing new, s": again,
    }


def peak_memory() -> float:
    """Megabytes resident at most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def memory() -> None:
    """1,000 and 50,000 small pictures, each in a process of its own."""
    from PIL import Image

    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for n in (1_000, 50_000):
            pictures = Path(folder, f"pictures-{n}")
            for number in range(n):
                at = pictures / f"{number // 1000:03}"
                at.mkdir(parents=True, exist_ok=True)
                pixels = np.random.default_rng(number).integers(0, 256, (16, 16, 3), np.uint8)
                Image.fromarray(pixels).resize((128, 128), Image.Resampling.BICUBIC).save(
                    at / f"{number}.jpg", quality=80
                )
            run = subprocess.run(
                [sys.executable, __file__, "one", str(n), folder], check=True, capture_output=True, text=True
            )
            rows.append(json.loads(run.stdout))
    save(
        "index_memory",
        "Memory of a sync, and a sync with nothing new",
        rows,
        ["A cheap encoder: what is left is reading, planning and writing."],
        0,
    )


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("what", choices=["speed", "memory", "one"])
    options.add_argument("rest", nargs="*")
    options.add_argument("--encoder", default="dino")
    options.add_argument("--pictures", type=int, default=600)
    chosen = options.parse_args()
    if chosen.what == "speed":
        speed(chosen.encoder, chosen.pictures)
    elif chosen.what == "memory":
        memory()
    else:
        print(json.dumps(one_memory_run(int(chosen.rest[0]), Path(chosen.rest[1]))))
