"""Control networks of packs."""

import comfy.controlnet
import torch


class Watches(comfy.controlnet.ControlBase):
    """Adds nothing, and keeps what it is told."""

    def __init__(self, told):
        super().__init__()
        self.told = told

    def get_control(self, x_noisy, t, cond, batched_number, transformer_options):
        self.told.append((batched_number, transformer_options, cond["transformer_options"]))
        return {"input": [], "middle": [], "output": []}

    def copy(self):
        other = Watches(self.told)
        self.copy_to(other)
        return other


def a_control_network_is_told_which_side_each_chunk_is(bench):
    told = []
    control = Watches(told).set_cond_hint(torch.zeros(1, 3, 64, 64), 1.0, (0.0, 1.0))
    sides = {
        side: [[text, {**options, "control": control, "control_apply_to_uncond": True}] for text, options in pairs]
        for side, pairs in (("positive", bench.positive), ("negative", bench.negative))
    }

    bench.unchanged(**sides)

    assert told and all(count == 2 and options["cond_or_uncond"] == [1, 0] for count, options, _ in told)
    assert all(options is same and len(options["uuids"]) == 2 for _, options, same in told)


HABITS = [a_control_network_is_told_which_side_each_chunk_is]
