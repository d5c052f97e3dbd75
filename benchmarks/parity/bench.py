"""Reference cases run as every workflow is: by the engine, with the nodes, in this process."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from PIL import Image
from safetensors.numpy import load_file

from benchmarks.parity.synthetic import ensure_model
from graph_runtime.cancel import CancelToken
from worker.runtime import Job, Runtime
from worker.settings import CacheChoice, Settings

BESIDE = {"taesd": "vae_approx/taesd_", "embedding:": "embeddings/"}
"""What a literal may say instead of a file's name, and the files that it then needs."""


class CaseFailed(Exception):
    """A case that did not run to its end."""


class Bench:
    """An engine over synthetic models, which are written when a case first needs them.

    Args:
        keys: keys files and manifest.json.
        models: receives the checkpoints.
        inputs: pictures and latents that cases start from.
        tokenizers: vocabularies.
        data: an empty folder for everything else.
    """

    def __init__(self, keys: Path, models: Path, inputs: Path, tokenizers: Path, data: Path) -> None:
        self._keys, self._models = keys, models
        self._files = json.loads((keys / "manifest.json").read_text(encoding="utf-8"))["files"].values()
        shutil.copytree(tokenizers, data / "models" / "tokenizers", dirs_exist_ok=True)
        (data / "input").mkdir()  # a folder of its own: the runtime adds pictures to it
        for file in inputs.iterdir():
            shutil.copyfile(file, data / "input" / file.name)
        self._runtime = Runtime(
            Settings(
                data,
                models_dirs=(models,),
                cpu=True,
                cache=CacheChoice("classic"),
                warm_up=False,
                disable_custom_nodes=True,
            )
        )

    async def __aenter__(self) -> Bench:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runtime.close()

    async def run(self, prompt: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """What a graph in the API format saves: `image_N` and `latent_N`, in the order of its nodes.

        Raises:
            CaseFailed: with what the engine says.
        """
        for target in self._needed(prompt):
            ensure_model(self._keys, self._models, target)
        savers = sorted((n for n in prompt if prompt[n]["class_type"] in ("SaveImage", "SaveLatent")), key=int)
        done = await self._runtime.run(Job("parity", prompt, tuple(savers)), lambda event: None, CancelToken())
        if done["outcome"] != "succeeded":
            raise CaseFailed((done["error"] or {}).get("message", done["outcome"]))
        found: dict[str, np.ndarray] = {}
        for kind, field in (("image", "images"), ("latent", "latents")):
            files = [file for node in savers for file in done["outputs"][node].get(field, ())]
            for number, file in enumerate(files):
                path = self._runtime.folders.output / file["subfolder"] / file["filename"]
                found[f"{kind}_{number}"] = (
                    np.asarray(Image.open(path)) if kind == "image" else load_file(path)["latent_tensor"]
                )
        return found

    def _needed(self, prompt: Mapping[str, Any]) -> Iterator[str]:
        literals = [v for node in prompt.values() for v in node["inputs"].values() if isinstance(v, str)]
        for target in self._files:
            begins = [
                start for word, start in BESIDE.items() if any(re.search(rf"\b{word}", text) for text in literals)
            ]
            if Path(target).name in literals or target.startswith(tuple(begins)):
                yield target


__all__ = ["Bench", "CaseFailed"]
