"""Adapters that PEFT trained, loaded as files: the network computes what PEFT's own does."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import torch
from diffusers import UNet2DConditionModel
from peft import LoHaConfig, LoKrConfig, LoraConfig, get_peft_model
from peft.utils import get_peft_model_state_dict

from diffusion.loading import Checkpoint
from diffusion.lora import LoraFile, apply_lora

LAYERS = ["to_q", "to_k", "to_v", "to_out.0", "conv1", "proj_in", "time_emb_proj"]
CONFIGS = {
    "LoRA": LoraConfig(r=2, lora_alpha=2, target_modules=LAYERS),
    "DoRA": LoraConfig(r=2, lora_alpha=2, target_modules=LAYERS, use_dora=True),
    "LoHa": LoHaConfig(r=2, alpha=2, target_modules=LAYERS),
    "LoHa by kernels": LoHaConfig(r=2, alpha=2, target_modules=["conv1"], use_effective_conv2d=True),
    "LoKr": LoKrConfig(r=2, alpha=2, target_modules=LAYERS),
}


@pytest.mark.parametrize("kind", CONFIGS)
@pytest.mark.parametrize("named_by", ["PEFT", "diffusers"])
def test_what_peft_saved_computes_as_peft_does(
    tiny: Checkpoint, kind: str, named_by: str, caplog: pytest.LogCaptureFixture
) -> None:
    network = tiny.model.network
    unet = UNet2DConditionModel.from_config(network.module.config)  # type: ignore[union-attr]
    unet.load_state_dict({name: network.weights[name] for name in network.parameter_names()})
    adapted: Any = get_peft_model(unet, CONFIGS[kind])  # type: ignore[arg-type]
    made = torch.Generator().manual_seed(4)
    for name, tensor in adapted.named_parameters():
        if any(part in name for part in ("lora_A", "lora_B", "hada_", "lokr_")):
            tensor.data = torch.randn(tensor.shape, generator=made) * 0.2
        elif "magnitude" in name:
            tensor.data = tensor.data * (1 + 0.3 * torch.rand(tensor.shape, generator=made))
    tensors = get_peft_model_state_dict(adapted)
    if named_by == "diffusers":
        tensors = {"unet." + name.removeprefix("base_model.model."): tensor for name, tensor in tensors.items()}
    inputs = (torch.randn(2, 4, 8, 8, generator=made), torch.tensor(7), torch.randn(2, 5, 32, generator=made))

    with caplog.at_level(logging.WARNING):
        model, _ = apply_lora(LoraFile(kind, tensors), tiny.model, None, 1.0, 0.0)

    assert model is not None and not caplog.records, "every tensor has found its layer"
    with torch.inference_mode():
        (expected,) = adapted.eval()(*inputs, return_dict=False)
        (plain,) = network.prepare()(*inputs, return_dict=False)
        (found,) = network.prepare(model.patches)(*inputs, return_dict=False)
    assert not torch.allclose(plain, expected, atol=1e-2)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
