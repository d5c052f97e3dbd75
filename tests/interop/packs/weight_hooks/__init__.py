"""A LoRA as a hook of conditionings, or in the model itself."""

import comfy.hooks
import comfy.lora
import comfy.sd
import torch


def made_lora(model):
    keys = comfy.lora.model_lora_keys_unet(model.model, {})
    layer = next(name for name in keys if name.startswith("lora_unet_") and name.endswith("attn1_to_q"))
    rows, columns = model.model_state_dict()[keys[layer]].shape
    return {f"{layer}.lora_up.weight": torch.ones(rows, 1), f"{layer}.lora_down.weight": torch.ones(1, columns) / 4}


class HooksOrModel:
    """Changes conditionings by a hook (until a share of the schedule), or the model by the same LoRA."""

    RETURN_TYPES = ("MODEL", "CONDITIONING", "CONDITIONING")
    FUNCTION = "change"

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {
                "model": ("MODEL",),
                "positive": ("CONDITIONING",),
                "negative": ("CONDITIONING",),
                "where": (["hook", "model"],),
                "until": ("FLOAT", {"default": 1.0}),
            },
            "optional": {"hooks": ("HOOKS",)},
        }

    def change(self, model, positive, negative, where, until, hooks=None):
        lora = made_lora(model)
        if where == "model":
            return comfy.sd.load_lora_for_models(model, None, lora, 1.0, 0.0)[0], positive, negative
        group = comfy.hooks.create_hook_lora(lora=lora, strength_model=1.0, strength_clip=0.0)
        course = comfy.hooks.HookKeyframeGroup()
        course.add(comfy.hooks.HookKeyframe(strength=0.0, start_percent=until))
        course.add(comfy.hooks.HookKeyframe(strength=1.0, start_percent=0.0))
        group.set_keyframes_on_hooks(course)
        group = comfy.hooks.HookGroup.combine_all_hooks([hooks, group, group])
        assert len(group) == 1 + (0 if hooks is None else len(hooks))
        positive, negative = comfy.hooks.set_conds_props([positive, negative], 1.0, "default", hooks=group)
        assert positive[0][1]["hooks"].hooks[-1].strength_model == 1.0
        return model, positive, negative


NODE_CLASS_MAPPINGS = {"HooksOrModel": HooksOrModel}
