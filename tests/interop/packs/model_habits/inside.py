"""Functions inside the network, as packs that steer by pictures and regions write them."""

import torch
from comfy.ldm.modules.attention import optimized_attention


def regions_double_the_batch_of_cross_attention(bench):
    model = bench.model.clone()

    def doubled(q, k, v, extra):
        parts = [
            [part if side == 1 else part.repeat(2, 1, 1) for part in (one, two, three)]
            for side, one, two, three in zip(extra["cond_or_uncond"], q.chunk(2), k.chunk(2), v.chunk(2))
        ]
        return tuple(torch.cat(values) for values in zip(*parts))

    def averaged(out, extra):
        assert extra["cond_or_uncond"] == [1, 0] and len(extra["original_shape"]) == 4
        return torch.cat([out[:1], out[1:].mean(0, keepdim=True)])

    model.set_model_attn2_patch(doubled)
    model.set_model_attn2_output_patch(averaged)

    bench.unchanged(model)


def pictures_are_added_to_cross_attention_by_block_without_index(bench):
    model = bench.model.clone()
    seen = set()

    def with_picture(q, k, v, extra):
        seen.add((extra["block"], extra["transformer_index"], extra["block_index"]))
        text = optimized_attention(q, k, v, extra["n_heads"])
        picture = torch.ones(q.shape[0], 4, k.shape[-1])
        return text + 0.5 * optimized_attention(q, picture, picture, extra["n_heads"])

    options = model.model_options["transformer_options"].copy()
    options["patches_replace"] = {"attn2": {("input", 1): with_picture, ("middle", 0): with_picture}}
    model.model_options["transformer_options"] = options

    bench.changed(model)
    assert {block for block, _, _ in seen} <= {("input", 1), ("middle", 0)} and seen


def deep_blocks_are_computed_smaller(bench):
    import comfy.utils

    model = bench.model.clone()

    def shrunk(h, options):
        return comfy.utils.common_upscale(h, 4, 4, "bicubic", "disabled") if options["block"] == ("input", 1) else h

    def grown(h, skip, options):
        if h.shape[2:] != skip.shape[2:]:
            h = comfy.utils.common_upscale(h, skip.shape[-1], skip.shape[-2], "bicubic", "disabled")
        return h, skip

    model.set_model_input_block_patch_after_skip(shrunk)
    model.set_model_output_block_patch(grown)

    bench.changed(model)


HABITS = [
    regions_double_the_batch_of_cross_attention,
    pictures_are_added_to_cross_attention_by_block_without_index,
    deep_blocks_are_computed_smaller,
]
