"""Flat pictures: one or two coloured shapes on a plain background, and the words for them."""

from dataclasses import dataclass
from random import Random

from PIL import Image, ImageDraw

from diffusion.training.colours import COLOURS
from diffusion.training.combinations import TRAINED, Combination, is_held_out
from diffusion.training.shapes import SHAPES, paint_shape

SIZE = 128
SUPERSAMPLING = 4

RADII: dict[str, tuple[float, float]] = {"": (30.0, 42.0), "small": (17.0, 22.0), "large": (47.0, 53.0)}
RELATIONS = ("above", "below", "left of", "right of")


@dataclass(frozen=True, slots=True)
class PlacedShape:
    """A coloured shape with its centre and radius in pixels of a 128×128 picture."""

    colour: str
    shape: str
    centre: tuple[float, float]
    radius: float
    size_word: str = ""

    @property
    def words(self) -> str:
        """The noun phrase without its article, e.g. ``small red circle``."""
        return " ".join(word for word in (self.size_word, self.colour, self.shape) if word)


@dataclass(frozen=True, slots=True)
class FlatPicture:
    """One or two shapes on a background; `relation` places the first against the second."""

    background: str
    objects: tuple[PlacedShape, ...]
    relation: str = ""

    def combinations(self) -> tuple[Combination, ...]:
        """Return the shape × colour × background combinations that the picture shows."""
        return tuple(Combination(o.colour, o.shape, self.background) for o in self.objects)


def single(combination: Combination, random: Random, size_word: str = "") -> FlatPicture:
    """Place one shape near the middle, its size within what `size_word` allows."""
    radius = random.uniform(*RADII[size_word])
    slack = min(9.0, max(0.0, SIZE / 2 - 1.16 * radius - 3))
    centre = (SIZE / 2 + random.uniform(-slack, slack), SIZE / 2 + random.uniform(-slack, slack))
    placed = PlacedShape(combination.colour, combination.shape, centre, radius, size_word)
    return FlatPicture(combination.background, (placed,))


def random_single(random: Random) -> FlatPicture:
    """Draw a trained combination and a size by chance."""
    return single(random.choice(TRAINED), random, random.choice(("", "", "", "small", "large")))


def random_pair(random: Random) -> FlatPicture:
    """Draw two shapes, neither held out on the background, and a relation by chance."""
    while True:
        background = "white" if random.random() < 0.4 else random.choice(list(COLOURS))
        colours = [random.choice(list(COLOURS)) for _ in range(2)]
        shapes = [random.choice(list(SHAPES)) for _ in range(2)]
        combinations = [Combination(c, s, background) for c, s in zip(colours, shapes, strict=True)]
        if background not in colours and not any(map(is_held_out, combinations)):
            break
    relation = random.choice(RELATIONS)
    offset = random.uniform(29.0, 33.0) * (-1 if relation in ("above", "left of") else 1)
    placed = []
    for sign, combination in zip((1, -1), combinations, strict=True):
        across = SIZE / 2 + random.uniform(-5, 5)
        along = SIZE / 2 + sign * offset
        centre = (across, along) if relation in ("above", "below") else (along, across)
        placed.append(PlacedShape(combination.colour, combination.shape, centre, random.uniform(20.0, 24.0)))
    return FlatPicture(background, tuple(placed), relation)


def draw_flat(picture: FlatPicture) -> Image.Image:
    """Draw the picture, antialiased by averaging a canvas four times as wide and high."""
    scale = SUPERSAMPLING
    canvas = Image.new("RGB", (SIZE * scale, SIZE * scale), COLOURS[picture.background])
    draw = ImageDraw.Draw(canvas)
    for placed in picture.objects:
        centre = (placed.centre[0] * scale, placed.centre[1] * scale)
        paint_shape(draw, placed.shape, centre, placed.radius * scale, COLOURS[placed.colour])
    return canvas.reduce(scale)


def with_article(words: str) -> str:
    """Put ``a`` or ``an`` before a noun phrase."""
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def caption_flat(picture: FlatPicture, random: Random) -> str:
    """Describe the picture in one of several ways of speaking."""
    first = picture.objects[0]
    background = picture.background
    leave_out = background == "white" and random.random() < 0.3
    if len(picture.objects) == 2:
        second = picture.objects[1]
        relation = picture.relation
        if relation.endswith("of") and random.random() < 0.4:
            relation = f"to the {relation}"
        text = f"{with_article(first.words)} {relation} {with_article(second.words)}"
        return text if leave_out else f"{text} on {with_article(background)} background"
    subject = with_article(first.words)
    if leave_out:
        return random.choice((subject, f"a picture of {subject}", first.words))
    return random.choice(
        (
            f"{subject} on {with_article(background)} background",
            f"{subject} on {with_article(background)} background",
            f"{subject} on {with_article(background)} background",
            f"{subject} on {background}",
            f"{first.words}, {background} background",
            f"a picture of {subject} on {with_article(background)} background",
            f"{with_article(background)} background with {subject}",
        )
    )
