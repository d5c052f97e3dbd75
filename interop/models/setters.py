"""The setters of MODEL: each writes a function of a pack into the model options.

Source: protocol §5.8, the table of setters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from interop.models.options import with_patch, with_replacement

__all__ = ["PatchSetters"]

Function = Callable[..., Any]


class PatchSetters:
    """Setters over `model_options`."""

    model_options: dict[str, Any]

    # -- guidance and calls

    def set_model_sampler_cfg_function(
        self, sampler_cfg_function: Function, disable_cfg1_optimization: bool = False
    ) -> None:
        """Combine estimates with a function of its own."""
        self.model_options["sampler_cfg_function"] = _modern(sampler_cfg_function)
        self._both_sides(disable_cfg1_optimization)

    def set_model_sampler_post_cfg_function(
        self, post_cfg_function: Function, disable_cfg1_optimization: bool = False
    ) -> None:
        """Change the combined estimate."""
        self._append("sampler_post_cfg_function", post_cfg_function)
        self._both_sides(disable_cfg1_optimization)

    def set_model_sampler_pre_cfg_function(
        self, pre_cfg_function: Function, disable_cfg1_optimization: bool = False
    ) -> None:
        """Change the estimates before they are combined."""
        self._append("sampler_pre_cfg_function", pre_cfg_function)
        self._both_sides(disable_cfg1_optimization)

    def set_model_sampler_calc_cond_batch_function(self, sampler_calc_cond_batch_function: Function) -> None:
        """Estimate with a function of its own."""
        self.model_options["sampler_calc_cond_batch_function"] = sampler_calc_cond_batch_function

    def set_model_unet_function_wrapper(self, unet_wrapper_function: Function) -> None:
        """Wrap every estimate of a batch."""
        self.model_options["model_function_wrapper"] = unet_wrapper_function

    def set_model_denoise_mask_function(self, denoise_mask_function: Function) -> None:
        """Change the inpainting mask at every step."""
        self.model_options["denoise_mask_function"] = denoise_mask_function

    # -- inside the network

    def set_model_patch(self, patch: Function, name: str) -> None:
        """Append a function inside the network; the runs refuse a name that they have no place for."""
        with_patch(self.model_options, name, patch)

    def set_model_patch_replace(
        self, patch: Function, name: str, block_name: str, number: int, transformer_index: int | None = None
    ) -> None:
        """Replace attention (name "attn1", "attn2") or a block ("dit")."""
        self.model_options["transformer_options"] = with_replacement(
            self.model_options.get("transformer_options", {}), patch, name, block_name, number, transformer_index
        )

    def set_model_attn1_patch(self, patch: Function) -> None:
        """Change what self-attention is computed from."""
        self.set_model_patch(patch, "attn1_patch")

    def set_model_attn2_patch(self, patch: Function) -> None:
        """Change what cross-attention is computed from."""
        self.set_model_patch(patch, "attn2_patch")

    def set_model_attn1_replace(
        self, patch: Function, block_name: str, number: int, transformer_index: int | None = None
    ) -> None:
        """Compute self-attention of a block otherwise."""
        self.set_model_patch_replace(patch, "attn1", block_name, number, transformer_index)

    def set_model_attn2_replace(
        self, patch: Function, block_name: str, number: int, transformer_index: int | None = None
    ) -> None:
        """Compute cross-attention of a block otherwise."""
        self.set_model_patch_replace(patch, "attn2", block_name, number, transformer_index)

    def set_model_attn1_output_patch(self, patch: Function) -> None:
        """Change what self-attention gave."""
        self.set_model_patch(patch, "attn1_output_patch")

    def set_model_attn2_output_patch(self, patch: Function) -> None:
        """Change what cross-attention gave."""
        self.set_model_patch(patch, "attn2_output_patch")

    def set_model_input_block_patch(self, patch: Function) -> None:
        """Change hidden states on the way down."""
        self.set_model_patch(patch, "input_block_patch")

    def set_model_input_block_patch_after_skip(self, patch: Function) -> None:
        """Change hidden states on the way down, after the skip connection branched off."""
        self.set_model_patch(patch, "input_block_patch_after_skip")

    def set_model_middle_block_after_patch(self, patch: Function) -> None:
        """Change hidden states after the middle block."""
        self.set_model_patch(patch, "middle_block_after_patch")

    def set_model_output_block_patch(self, patch: Function) -> None:
        """Change hidden states and skip connections on the way up."""
        self.set_model_patch(patch, "output_block_patch")

    def set_model_emb_patch(self, patch: Function) -> None:
        """Change the embedding of time and labels."""
        self.set_model_patch(patch, "emb_patch")

    def set_model_double_block_patch(self, patch: Function) -> None:
        """Kept with the model; its runs refuse it, because this engine has no such place."""
        self.set_model_patch(patch, "double_block")

    def set_model_post_input_patch(self, patch: Function) -> None:
        """Kept with the model; its runs refuse it, because this engine has no such place."""
        self.set_model_patch(patch, "post_input")

    def _append(self, key: str, function: Function) -> None:
        self.model_options[key] = [*self.model_options.get(key, []), function]

    def _both_sides(self, wanted: bool) -> None:
        if wanted:
            self.model_options["disable_cfg1_optimization"] = True


def _modern(function: Function) -> Function:
    """A guidance function; those of three arguments are called as they were once."""
    import inspect

    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return function
    if len(parameters) != 3:
        return function

    def called(told: dict[str, Any]) -> Any:
        return function(told["cond"], told["uncond"], told["cond_scale"])

    return called
