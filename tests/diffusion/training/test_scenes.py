"""Scenes: deterministic, and what the caption names is there."""

from dataclasses import replace
from random import Random

import numpy as np

from diffusion.training.scenes import LANDS, TIMES, caption_scene, draw_scene, random_scene


def test_the_same_seed_draws_the_same_scene():
    assert draw_scene(random_scene(Random(9))).tobytes() == draw_scene(random_scene(Random(9))).tobytes()


def test_night_is_darker_than_sunset_and_sunset_darker_than_day():
    scene = replace(random_scene(Random(0)), stars=False)
    light = {time: np.asarray(draw_scene(replace(scene, time=time))).mean() for time in TIMES}

    assert light["night"] < light["sunset"] < light["day"]


def test_boats_are_only_at_sea_and_houses_only_on_land():
    random = Random(1)

    for _ in range(300):
        scene = random_scene(random)
        assert scene.land in LANDS
        assert (scene.thing == "boat") <= (scene.land == "sea")
        assert (scene.thing in ("house", "tree")) <= (scene.land != "sea")


def test_a_caption_names_the_colours_of_walls_and_roof():
    random = Random(2)
    scenes = [scene for scene in (random_scene(random) for _ in range(100)) if scene.thing == "house"]

    for scene in scenes:
        caption = caption_scene(scene, random)
        assert f"{scene.colour} house" in caption
        assert f"{scene.second_colour} roof" in caption


def test_stars_in_the_sky_are_named_and_drawn():
    scene = replace(random_scene(Random(3)), time="night", stars=True)
    without = replace(scene, stars=False)

    assert "star" in caption_scene(scene, Random(0))
    assert np.asarray(draw_scene(scene)).mean() > np.asarray(draw_scene(without)).mean()
