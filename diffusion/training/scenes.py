"""Small landscapes: house, tree, mountain, sea, boat under a sky by day, at sunset or at night."""

from dataclasses import dataclass
from math import pi, sin
from random import Random

from PIL import Image, ImageDraw

from diffusion.training.colours import COLOURS, Rgb, mix
from diffusion.training.flat_pictures import SIZE, SUPERSAMPLING, with_article
from diffusion.training.shapes import paint_shape

TIMES = ("day", "sunset", "night")
LANDS = ("meadow", "mountains", "sea")
OBJECT_COLOURS = ("red", "green", "blue", "yellow", "orange", "purple", "white")

SKIES: dict[str, tuple[Rgb, Rgb]] = {
    "day": ((92, 176, 240), (206, 234, 250)),
    "sunset": ((116, 70, 150), (255, 176, 92)),
    "night": ((14, 20, 54), (46, 62, 116)),
}
LIGHT: dict[str, tuple[Rgb, float]] = {
    "day": ((255, 255, 255), 0.0),
    "sunset": ((150, 60, 60), 0.22),
    "night": ((16, 22, 60), 0.45),
}
GRASS: Rgb = (104, 178, 84)
ROCK: Rgb = (122, 128, 150)
WATER: Rgb = (40, 122, 190)
LEAVES: Rgb = (50, 140, 70)
BARK: Rgb = (120, 80, 52)
STARS = (
    (10, 14, 2.6), (27, 42, 3.2), (31, 9, 2.2), (46, 24, 2.8), (58, 52, 2.4), (62, 8, 3.3),
    (77, 34, 2.3), (84, 14, 2.8), (97, 46, 3.0), (103, 10, 2.3), (118, 27, 2.9), (9, 60, 2.4), (122, 58, 2.4),
)  # fmt: skip  # x, y, radius


@dataclass(frozen=True, slots=True)
class Scene:
    """What stands in a landscape; positions in pixels of a 128×128 picture."""

    time: str
    land: str
    thing: str  # "house", "boat", "tree" or ""
    colour: str  # walls or hull
    second_colour: str  # roof or sail
    tree: bool
    stars: bool
    thing_x: float
    tree_x: float
    sun: tuple[float, float]
    horizon: float
    phase: float


def random_scene(random: Random) -> Scene:
    """Compose a scene by chance; boats float on the sea, houses and trees stand on land."""
    land = random.choice(LANDS)
    things = ("boat", "boat", "") if land == "sea" else ("house", "house", "tree", "")
    thing = random.choice(things)
    colour, second = random.sample(OBJECT_COLOURS, 2)
    if thing == "boat":
        second = "white" if colour != "white" else "red"
    left = random.random() < 0.5
    thing_x = random.uniform(36, 44) if left else random.uniform(84, 92)
    time = random.choice(TIMES)
    sun_x = random.uniform(88, 108) if left else random.uniform(20, 40)
    return Scene(
        time=time,
        land=land,
        thing=thing,
        colour=colour,
        second_colour=second,
        tree=thing == "house" and random.random() < 0.5,
        stars=time == "night" and random.random() < 0.75,
        thing_x=thing_x,
        tree_x=128 - thing_x + random.uniform(-3, 3),
        sun=(sun_x, 68.0 if time == "sunset" else random.uniform(22, 30)),
        horizon=random.uniform(78, 84),
        phase=random.uniform(0, 2 * pi),
    )


def draw_scene(scene: Scene) -> Image.Image:
    """Draw the scene, antialiased by averaging a canvas four times as wide and high."""
    scale = SUPERSAMPLING
    canvas = _sky(scene).resize((SIZE * scale, SIZE * scale), Image.Resampling.BILINEAR)
    pen = _Pen(ImageDraw.Draw(canvas), scene)
    pen.sky_lights()
    pen.ground()
    if scene.thing == "house":
        pen.house(scene.thing_x, scene.horizon + 24)
        if scene.tree:
            pen.tree(scene.tree_x, scene.horizon + 28)
    elif scene.thing == "tree":
        pen.tree(scene.thing_x, scene.horizon + 26)
    elif scene.thing == "boat":
        pen.boat(scene.thing_x, scene.horizon + 18)
    return canvas.reduce(scale)


def _sky(scene: Scene) -> Image.Image:
    top, bottom = SKIES[scene.time]
    column = Image.new("RGB", (1, SIZE))
    for y in range(SIZE):
        column.putpixel((0, y), mix(top, bottom, min(1.0, y / scene.horizon)))
    return column.resize((SIZE, SIZE))


class _Pen:
    """Draws the parts of one scene in the light of its time of day."""

    def __init__(self, draw: ImageDraw.ImageDraw, scene: Scene) -> None:
        self._draw = draw
        self._scene = scene

    def _lit(self, colour: Rgb, weight: float = 1.0) -> Rgb:
        tint, share = LIGHT[self._scene.time]
        return mix(colour, tint, share * weight)

    def _polygon(self, points: list[tuple[float, float]], fill: Rgb) -> None:
        self._draw.polygon([(x * SUPERSAMPLING, y * SUPERSAMPLING) for x, y in points], fill=fill)

    def _shape(self, shape: str, x: float, y: float, radius: float, fill: Rgb) -> None:
        scale = SUPERSAMPLING
        paint_shape(self._draw, shape, (x * scale, y * scale), radius * scale, fill)

    def sky_lights(self) -> None:
        """Put up the sun, or the moon and its stars."""
        x, y = self._scene.sun
        if self._scene.time == "night":
            if self._scene.stars:
                for star_x, star_y, radius in STARS:
                    if abs(star_x - x) + abs(star_y - y) > 22:
                        self._shape("star", star_x, star_y, radius, (255, 246, 200))
            self._shape("circle", x, y, 11, (250, 244, 214))
            self._shape("circle", x - 5, y - 3, 9, mix(*SKIES["night"], (y - 3) / self._scene.horizon))
        elif self._scene.time == "sunset":
            self._shape("circle", x, y, 17, (255, 222, 120))
        else:
            self._shape("circle", x, y, 12, (255, 222, 60))

    def ground(self) -> None:
        """Paint the land: hills of grass, mountains behind grass, or the sea."""
        scene, horizon = self._scene, self._scene.horizon
        if scene.land == "sea":
            self._polygon([(0, horizon), (128, horizon), (128, 128), (0, 128)], self._lit(WATER, 0.8))
            for row in range(3):
                y = horizon + 9 + 13 * row
                crest = [(x, y + 1.6 * sin(x / 7 + scene.phase + 2 * row)) for x in range(0, 129, 2)]
                trough = [(x, wave_y + 2.2) for x, wave_y in reversed(crest)]
                self._polygon(crest + trough, self._lit(mix(WATER, (255, 255, 255), 0.3), 0.8))
            return
        if scene.land == "mountains":
            shift = 6 * sin(scene.phase)
            for x, top, half in ((30 + shift, 40, 44), (100 + shift, 46, 42), (66 + shift, 28, 46)):
                fill = self._lit(mix(ROCK, (70, 76, 110), 0.0 if half == 46 else 0.45))
                self._polygon([(x - half, horizon + 6), (x, top), (x + half, horizon + 6)], fill)
                share = 15 / (horizon + 6 - top)
                snow = [(x, top), (x + half * share, top + 15), (x + 3, top + 11), (x - 3, top + 16)]
                snow.append((x - half * share, top + 13))
                self._polygon(snow, self._lit((246, 248, 252)))
        for depth, fill in ((0.0, mix(GRASS, (60, 130, 80), 0.5)), (9.0, GRASS)):
            hill = [(x, horizon + depth + 3.5 * sin(x / 26 + scene.phase + depth)) for x in range(0, 129, 4)]
            self._polygon([*hill, (128, 128), (0, 128)], self._lit(fill))

    def house(self, x: float, base: float) -> None:
        """Build a house with walls, roof, door and two windows; windows glow at night."""
        walls, roof = (self._lit(COLOURS[c], 0.7) for c in (self._scene.colour, self._scene.second_colour))
        self._polygon([(x - 21, base - 27), (x + 21, base - 27), (x + 21, base), (x - 21, base)], walls)
        self._polygon([(x - 26, base - 26), (x, base - 48), (x + 26, base - 26)], roof)
        self._polygon([(x - 5, base - 16), (x + 5, base - 16), (x + 5, base), (x - 5, base)], self._lit(BARK))
        window = (255, 226, 120) if self._scene.time != "day" else (214, 238, 250)
        for side in (-13, 13):
            left, right, top = x + side - 4.5, x + side + 4.5, base - 21
            self._polygon([(left, top), (right, top), (right, top + 9), (left, top + 9)], window)

    def tree(self, x: float, base: float) -> None:
        """Grow a tree with a round crown."""
        self._polygon([(x - 3, base - 20), (x + 3, base - 20), (x + 4, base), (x - 4, base)], self._lit(BARK))
        for dx, dy, radius in ((-8, -26, 10), (8, -26, 10), (0, -36, 12)):
            self._shape("circle", x + dx, base + dy, radius, self._lit(LEAVES))

    def boat(self, x: float, base: float) -> None:
        """Launch a sailing boat."""
        hull, sail = (self._lit(COLOURS[c], 0.7) for c in (self._scene.colour, self._scene.second_colour))
        self._polygon([(x - 24, base - 8), (x + 24, base - 8), (x + 15, base + 4), (x - 15, base + 4)], hull)
        self._polygon([(x - 1, base - 48), (x + 1, base - 48), (x + 1, base - 8), (x - 1, base - 8)], self._lit(BARK))
        self._polygon([(x + 3, base - 46), (x + 21, base - 12), (x + 3, base - 12)], sail)
        self._polygon([(x - 3, base - 40), (x - 3, base - 12), (x - 16, base - 12)], sail)


def caption_scene(scene: Scene, random: Random) -> str:
    """Describe the scene; every colour that a reader would name is named."""
    place = {"meadow": "on a meadow", "mountains": "in front of mountains", "sea": "on the sea"}[scene.land]
    if scene.thing == "house":
        subject = f"{with_article(scene.colour)} house with {with_article(scene.second_colour)} roof"
        if scene.tree:
            subject += " and a tree"
    elif scene.thing == "boat":
        subject = f"{with_article(scene.colour)} boat with {with_article(scene.second_colour)} sail"
        if scene.second_colour == "white" and random.random() < 0.5:
            subject = f"{with_article(scene.colour)} boat"
    elif scene.thing == "tree":
        subject = "a tree"
    else:
        subject, place = {"meadow": "green hills", "mountains": "mountains", "sea": "the sea"}[scene.land], ""
    light = {
        "day": random.choice(("by day", "on a sunny day", "in the daytime, with a sun")),
        "sunset": random.choice(("at sunset", "at sunset", "at sunset, with a low sun")),
        "night": random.choice(("at night with a moon", "at night", "under a moon at night")),
    }[scene.time]
    if scene.stars:
        light = random.choice(("at night with a moon and stars", "under a starry night sky"))
    return " ".join(part for part in (subject, place, light) if part)
