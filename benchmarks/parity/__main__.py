"""Compare pictures and latents with reference results and print the distance of each case.

    python -m benchmarks.parity --keys KEYS --goldens GOLDENS --models MODELS [--families sd15,sdxl] [--only lora]

KEYS holds keys files and manifest.json, GOLDENS one folder a family with CASE.json and CASE.npz, MODELS receives the
synthetic checkpoints (up to 2–10 GB each). Exit status 0 only if every case reaches the limit.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.parity.bench import Bench, CaseFailed


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Peak signal-to-noise ratio of two 8-bit pictures in dB."""
    error = float(((a.astype(np.float64) - b.astype(np.float64)) ** 2).mean())
    return float("inf") if error == 0 else 10 * float(np.log10(255.0**2 / error))


def cases(goldens: Path, families: set[str], only: str) -> Iterator[tuple[str, dict[str, Any], Path]]:
    """Every case that has a reference result, those of one family together."""
    for path in sorted(goldens.glob("*/*.json")):
        name = f"{path.parent.name}/{path.stem}"
        if (families and path.parent.name not in families) or not re.search(only, name):
            continue
        case = json.loads(path.read_text(encoding="utf-8"))
        if path.with_suffix(".npz").exists():
            yield name, case, path.with_suffix(".npz")


def compare(found: dict[str, np.ndarray], golden: dict[str, np.ndarray]) -> tuple[float, float]:
    """Worst picture in dB (infinite without pictures), and the largest relative error of a latent."""
    for name, expected in golden.items():
        if name not in found or found[name].shape != expected.shape:
            raise ValueError(f"{name}: got {found[name].shape if name in found else 'nothing'}, not {expected.shape}")
    pictures = [psnr(found[name], value) for name, value in golden.items() if name.startswith("image")]
    latents = [
        float(np.linalg.norm(found[name] - value) / (np.linalg.norm(value) + 1e-12))
        for name, value in golden.items()
        if name.startswith("latent")
    ]
    return min(pictures, default=float("inf")), max(latents, default=0.0)


def main() -> int:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=Path, required=True)
    parser.add_argument("--goldens", type=Path, required=True)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--tokenizers", type=Path, help="folder with vocabulary files; default: tokenizers beside KEYS")
    parser.add_argument("--families", default="", help="comma-separated; all if left out")
    parser.add_argument("--only", default="", help="regular expression on family/case")
    parser.add_argument("--limit", type=float, default=50.0, help="dB a case must reach")
    arguments = parser.parse_args()
    for option, wanted in (("keys", "manifest.json"), ("goldens", "inputs")):
        if not (getattr(arguments, option) / wanted).exists():
            parser.error(
                f"--{option}: '{getattr(arguments, option)}' holds no {wanted} (make parity KEYS=… GOLDENS=… MODELS=…)"
            )
    return asyncio.run(_compare_all(arguments))


async def _compare_all(arguments: argparse.Namespace) -> int:
    torch.backends.mkldnn.enabled = False  # re-packs weights on every call, which tiny latents do not repay
    tokenizers = arguments.tokenizers or arguments.keys.parent / "tokenizers"
    families = set(filter(None, arguments.families.split(",")))
    worst: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as data:
        async with Bench(
            arguments.keys, arguments.models, arguments.goldens / "inputs", tokenizers, Path(data)
        ) as bench:
            for name, case, golden in cases(arguments.goldens, families, arguments.only):
                distance = await _compare(bench, name, case, golden)
                worst.setdefault(name.split("/")[0], []).append(distance)
    for family, distances in worst.items():
        good = sum(distance >= arguments.limit for distance in distances)
        print(f"  {family:<16} {good} of {len(distances)} within {arguments.limit:g} dB, worst {min(distances):.1f} dB")
    return 0 if worst and all(min(distances) >= arguments.limit for distances in worst.values()) else 1


async def _compare(bench: Bench, name: str, case: dict[str, Any], golden: Path) -> float:
    """Distance of one case in dB, which is printed; −1 if it fails."""
    started = time.perf_counter()
    try:
        found = await bench.run(case["prompt"])
        with np.load(golden) as expected:
            distance, latent = compare(found, {key: expected[key] for key in expected.files})
    except (CaseFailed, ValueError) as error:
        print(f"{name:<48} failed: {error}", flush=True)
        return -1.0
    print(f"{name:<48} {distance:7.2f} dB  latent {latent:.2g}  {time.perf_counter() - started:5.1f} s", flush=True)
    return distance


if __name__ == "__main__":
    sys.exit(main())
