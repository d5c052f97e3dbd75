"""Where, when and how strongly conditionings count."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from diffusion.errors import SamplingError
from diffusion.loading import Checkpoint
from diffusion.sampling.conditioning import prepare, within
from diffusion.sampling.evaluate import Evaluator
from diffusion.sampling.guidance import ClassifierFree, DualClassifierFree, PerpendicularNegative
from diffusion.sampling.prediction import flow

NOISE = torch.zeros(1, 4, 16, 16)


def entries(tiny: Checkpoint, *items: tuple[str, dict[str, Any]], **lists: list[Any]) -> Any:
    """Prepared lists; the positive one from (prompt, options) pairs."""
    assert tiny.clip is not None
    positive = [[tiny.clip.encode(text)[0][0], options] for text, options in items]
    return prepare({"positive": positive, **lists}, tiny.model.family, tiny.model.prediction, NOISE, None, None)


def estimate(tiny: Checkpoint, *items: tuple[str, dict[str, Any]], sigma: float = 2.0) -> Tensor:
    """x0 for a positive list alone."""
    evaluator = Evaluator(tiny.model, tiny.model.network.prepare(), torch.tensor([sigma, 0.0]))
    with torch.inference_mode():
        return evaluator([entries(tiny, *items)["positive"]], noisy(), torch.tensor(sigma))[0]


def noisy() -> Tensor:
    return torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(1))


def test_two_entries_are_averaged_by_strength(tiny: Checkpoint) -> None:
    one, two = estimate(tiny, ("red", {})), estimate(tiny, ("blue", {}))
    both = estimate(tiny, ("red", {"strength": 3.0}), ("blue", {}))

    assert torch.allclose(both, (3 * one + two) / 4, atol=1e-4)


def test_a_mask_decides_pixel_by_pixel(tiny: Checkpoint) -> None:
    left = torch.zeros(1, 16, 16)
    left[..., :8] = 1.0
    one, two = estimate(tiny, ("red", {})), estimate(tiny, ("blue", {}))
    both = estimate(tiny, ("red", {"mask": left}), ("blue", {"mask": 1 - left}))

    assert torch.allclose(both[..., :8], one[..., :8], atol=1e-4)
    assert torch.allclose(both[..., 8:], two[..., 8:], atol=1e-4)


def test_an_area_sees_only_its_crop_and_fades_inside(tiny: Checkpoint) -> None:
    (entry,) = entries(tiny, ("red", {"area": (8, 16, 8, 0)}))["positive"]

    assert entry.area == (8, 16, 8, 0)
    assert entry.weight.shape == (1, 4, 8, 16)
    assert entry.weight[0, 0, :3, 0].tolist() == [0.5, 1.0, 1.0]  # the inner edge; a quarter of 8 rows fades
    assert entry.weight[0, 0, -1, 0] == 1.0  # the edge of the picture does not
    assert (estimate(tiny, ("red", {"area": (8, 16, 8, 0)}))[..., :8, :] == 0).all()


def test_a_percentage_area_is_rounded_to_cells(tiny: Checkpoint) -> None:
    (entry,) = entries(tiny, ("red", {"area": ("percentage", 0.5, 0.25, 0.5, 0.03)}))["positive"]

    assert entry.area == (8, 4, 8, 0)


def test_the_first_two_sides_of_a_videos_area_are_those_of_a_picture(tiny: Checkpoint) -> None:
    (entry,) = entries(tiny, ("red", {"area": ("percentage", 0.5, 0.25, 1.0, 0.5, 0.0, 0.0)}))["positive"]

    assert entry.area == (8, 4, 8, 0)


def test_an_area_can_come_from_a_mask(tiny: Checkpoint) -> None:
    mask = torch.zeros(1, 16, 16)
    mask[:, 4:14, 6:8] = 1.0
    (entry,) = entries(tiny, ("red", {"mask": mask, "set_area_to_bounds": True}))["positive"]
    (empty,) = entries(tiny, ("red", {"mask": mask * 0, "set_area_to_bounds": True}))["positive"]

    assert entry.area == (10, 8, 4, 6)
    assert empty.area == (8, 8, 0, 0)
    assert not empty.weight.any()


def test_an_area_from_a_mask_at_the_border_is_cut_there_and_not_moved(tiny: Checkpoint) -> None:
    mask = torch.zeros(1, 16, 16)
    mask[:, 13:15, 14:] = 1.0
    (entry,) = entries(tiny, ("red", {"mask": mask, "set_area_to_bounds": True}))["positive"]

    assert entry.area == (8, 8, 13, 14)
    assert entry.weight.shape == (1, 4, 3, 2)


def test_a_level_of_a_schedule_lies_on_both_sides_of_the_bound_it_meets() -> None:
    quarter = flow(3.0).percent_to_sigma(0.25)  # 0.9, which no float32 is

    assert within(float(torch.tensor(quarter)), quarter, 0.0)
    assert within(float(torch.tensor(quarter)), 1.0, quarter)
    assert not within(0.91, quarter, 0.0)


def test_all_sides_but_the_positive_are_told_the_refiners_low_score(tiny: Checkpoint) -> None:
    told: list[bool] = []

    class Listening:
        def inputs(self, embedding: Tensor, options: Any, scene: Any) -> dict[str, Tensor]:
            told.append(scene.negative)
            return {}

    lists = {role: [[torch.zeros(1, 77, 8), {}]] for role in ("positive", "middle", "negative", "empty")}
    prepare(lists, Listening(), tiny.model.prediction, NOISE, None, None)  # type: ignore[arg-type]

    assert told == [False, True, True, True]


def test_an_entry_rests_outside_its_range(tiny: Checkpoint) -> None:
    early = ("red", {"start_percent": 0.0, "end_percent": 0.4})
    late = ("blue", {"start_percent": 0.4, "end_percent": 1.0})

    assert torch.allclose(estimate(tiny, early, late, sigma=10.0), estimate(tiny, ("red", {}), sigma=10.0), atol=1e-5)
    assert torch.allclose(estimate(tiny, early, late, sigma=0.5), estimate(tiny, ("blue", {}), sigma=0.5), atol=1e-5)


def test_a_default_entry_fills_what_others_leave(tiny: Checkpoint) -> None:
    left = torch.zeros(1, 16, 16)
    left[..., :8] = 1.0
    both = estimate(tiny, ("red", {"mask": left}), ("blue", {"default": True}))

    assert torch.allclose(both[..., 8:], estimate(tiny, ("blue", {}))[..., 8:], atol=1e-4)
    assert torch.allclose(both[..., :8], estimate(tiny, ("red", {}))[..., :8], atol=1e-4)


def test_the_negative_side_is_cropped_like_the_positive(tiny: Checkpoint) -> None:
    negative = [[tiny.clip.encode("")[0][0], {}]]  # type: ignore[union-attr]
    lists = entries(tiny, ("red", {"area": (8, 8, 0, 0)}), negative=negative)

    assert [entry.area for entry in lists["negative"]] == [None, (8, 8, 0, 0)]
    assert torch.equal(lists["negative"][1].inputs["context"], lists["negative"][0].inputs["context"])


def test_what_is_cropped_like_the_other_side_keeps_its_time_its_weights_and_its_hooks(tiny: Checkpoint) -> None:
    text = tiny.clip.encode("")[0][0]  # type: ignore[union-attr]
    own, theirs = object(), object()
    lists = entries(
        tiny, ("red", {"area": (8, 8, 0, 0), "hooks": own, "end_percent": 0.5}), negative=[[text, {"hooks": theirs}]]
    )

    copied = lists["negative"][1]
    assert copied.hooks is own
    assert (copied.end, copied.weight) == (lists["positive"][0].end, lists["positive"][0].weight)


def test_of_several_shared_control_networks_the_last_is_lent_where_there_is_one_place(tiny: Checkpoint) -> None:
    class Control:
        def on(self, base: Any) -> Control:
            return self

        def prepared(self, *_: Any) -> Control:
            return self

    one, two = Control(), Control()
    text = tiny.clip.encode("")[0][0]  # type: ignore[union-attr]
    shared = [("red", {"control": control, "control_apply_to_uncond": True}) for control in (one, two)]
    lists = entries(tiny, *shared, negative=[[text, {}]])

    assert [entry.control for entry in lists["negative"]] == [two]


def test_texts_of_different_length_share_a_call(tiny: Checkpoint) -> None:
    calls = []

    def watch(apply, x, sigma, inputs, roles):  # type: ignore[no-untyped-def]
        calls.append((x.shape[0], roles))
        return apply(x, sigma, inputs)

    model = tiny.model.with_hooks(network=watch)
    lists = entries(tiny, ("a " * 60, {}), negative=[[tiny.clip.encode("b")[0][0], {}]])  # type: ignore[union-attr]
    evaluator = Evaluator(model, model.network.prepare(), torch.tensor([2.0, 0.0]))
    with torch.inference_mode():
        evaluator([lists["positive"], lists["negative"]], noisy(), torch.tensor(2.0))

    assert calls == [(2, [1, 0])]  # negative first


def test_malformed_conditioning_is_refused(tiny: Checkpoint) -> None:
    with pytest.raises(SamplingError, match="embedding, options"):
        prepare({"positive": [[torch.zeros(1)]]}, tiny.model.family, tiny.model.prediction, NOISE, None, None)


def guided(tiny: Checkpoint, guidance: Any, model: Any = None, **texts: str) -> Tensor:
    model = model or tiny.model
    lists = {role: [[tiny.clip.encode(text)[0][0], {}]] for role, text in texts.items()}  # type: ignore[union-attr]
    prepared = prepare(lists, model.family, model.prediction, NOISE, None, None)
    evaluator = Evaluator(model, model.network.prepare(), torch.tensor([2.0, 0.0]))
    with torch.inference_mode():
        return guidance.estimate(evaluator, noisy(), torch.tensor(2.0), prepared, both=False).denoised


def test_guidance_moves_away_from_the_negative(tiny: Checkpoint) -> None:
    positive, negative = estimate(tiny, ("red", {})), estimate(tiny, ("blue", {}))
    found = guided(tiny, ClassifierFree(5.0), positive="red", negative="blue")

    assert torch.allclose(found, negative + 5.0 * (positive - negative), atol=1e-3)


def test_dual_guidance_has_a_scale_for_each_pair(tiny: Checkpoint) -> None:
    p, m, n = (estimate(tiny, (text, {})) for text in ("red", "blue", ""))
    texts = {"positive": "red", "middle": "blue", "negative": ""}

    assert torch.allclose(guided(tiny, DualClassifierFree(3.0, 2.0), **texts), n + (m - n) * 2 + (p - m) * 3, atol=1e-3)
    nested = n + 2.0 * ((m + (p - m) * 3.0) - n)
    assert torch.allclose(guided(tiny, DualClassifierFree(3.0, 2.0, nested=True), **texts), nested, atol=1e-3)


def test_hooks_shape_the_inner_guidance_of_a_nested_pair(tiny: Checkpoint) -> None:
    n = estimate(tiny, ("", {}))
    texts = {"positive": "red", "middle": "blue", "negative": ""}
    model = tiny.model.with_hooks(cfg=lambda step: step.estimates[0] - step.estimates[1] + step.scale)
    p, m = estimate(tiny, ("red", {})), estimate(tiny, ("blue", {}))

    found = guided(tiny, DualClassifierFree(3.0, 2.0, nested=True), model, **texts)
    assert torch.allclose(found, n + 2.0 * (p - m + 3.0 - n), atol=1e-3)


@pytest.mark.parametrize("nested", [True, False])
def test_hooks_before_guidance_do_not_touch_a_dual_one(tiny: Checkpoint, nested: bool) -> None:
    texts = {"positive": "red", "middle": "blue", "negative": ""}
    rule = DualClassifierFree(3.0, 2.0, nested=nested)
    model = tiny.model.with_hooks(pre_cfg=(lambda step: (step.positive * 0, step.negative),))

    assert torch.equal(guided(tiny, rule, model, **texts), guided(tiny, rule, **texts))


def test_a_negative_parallel_to_the_positive_does_not_push(tiny: Checkpoint) -> None:
    texts = {"positive": "red", "negative": "red", "empty": ""}
    plain = guided(tiny, ClassifierFree(3.0), positive="red", negative="")

    assert torch.allclose(guided(tiny, PerpendicularNegative(3.0, 1.0), **texts), plain, atol=1e-2)


def test_hooks_before_guidance_change_what_a_perpendicular_one_is_given(tiny: Checkpoint) -> None:
    texts = {"positive": "red", "negative": "blue", "empty": ""}
    model = tiny.model.with_hooks(pre_cfg=(lambda step: (step.negative, *step.estimates[1:]),))

    found = guided(tiny, PerpendicularNegative(3.0, 0.0), model, **texts)
    assert torch.allclose(found, guided(tiny, ClassifierFree(3.0), positive="blue", negative=""), atol=1e-3)


def test_cfg_pp_takes_the_middle_of_a_nested_pair_for_unconditional(tiny: Checkpoint) -> None:
    lists = {role: [[tiny.clip.encode(role)[0][0], {}]] for role in ("positive", "middle", "negative")}  # type: ignore[union-attr]
    prepared = prepare(lists, tiny.model.family, tiny.model.prediction, NOISE, None, None)
    evaluator = Evaluator(tiny.model, tiny.model.network.prepare(), torch.tensor([2.0, 0.0]))
    with torch.inference_mode():
        rule = DualClassifierFree(3.0, 2.0, nested=True)
        found = rule.estimate(evaluator, noisy(), torch.tensor(2.0), prepared, both=True)

    assert torch.allclose(found.unconditional, estimate(tiny, ("middle", {})), atol=1e-4)


def test_hooks_run_before_instead_of_and_after_guidance(tiny: Checkpoint) -> None:
    order = []

    def before(step):  # type: ignore[no-untyped-def]
        order.append("before")
        return step.estimates

    def instead(step):  # type: ignore[no-untyped-def]
        order.append("instead")
        return step.estimates[0] * 2

    def after(step):  # type: ignore[no-untyped-def]
        order.append("after")
        return step.denoised + 1

    model = tiny.model.with_hooks(pre_cfg=(before,), cfg=instead, post_cfg=(after,))
    found = guided(tiny, ClassifierFree(5.0), model, positive="red", negative="blue")

    assert order == ["before", "instead", "after"]
    assert torch.allclose(found, estimate(tiny, ("red", {})) * 2 + 1, atol=1e-4)
    assert tiny.model.hooks.cfg is None
