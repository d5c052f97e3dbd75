"""One drawn picture of any kind with its caption: the mixture that training draws from."""

from dataclasses import dataclass
from random import Random

from PIL import Image

from diffusion.training.flat_pictures import (
    FlatPicture,
    caption_flat,
    draw_flat,
    random_pair,
    random_single,
)
from diffusion.training.scenes import Scene, caption_scene, draw_scene, random_scene

SINGLES = 0.56
PAIRS = 0.24  # what is left, a fifth, are scenes
FILLERS = ("beautiful", "nice", "cute", "simple", "flat", "clean", "detailed", "colorful", "minimal")
ENDINGS = ("illustration", "vector art", "high quality", "flat design", "drawing", "icon", "digital art")


@dataclass(frozen=True, slots=True)
class Subject:
    """What one picture shows."""

    content: FlatPicture | Scene

    def draw(self) -> Image.Image:
        """Draw the picture, 128×128 RGB."""
        if isinstance(self.content, FlatPicture):
            return draw_flat(self.content)
        return draw_scene(self.content)

    def caption(self, random: Random) -> str:
        """Describe the picture; now and then with words around it that mean nothing here."""
        content = self.content
        text = caption_flat(content, random) if isinstance(content, FlatPicture) else caption_scene(content, random)
        if random.random() < 0.06:
            text = f"{random.choice(FILLERS)} {random.choice(('picture', 'drawing', 'image'))} of {text}"
        if random.random() < 0.06:
            text = f"{text}, {random.choice(ENDINGS)}"
        return text


def random_subject(random: Random) -> Subject:
    """Draw a subject by chance: a single shape, two shapes, or a scene."""
    kind = random.random()
    if kind < SINGLES:
        return Subject(random_single(random))
    if kind < SINGLES + PAIRS:
        return Subject(random_pair(random))
    return Subject(random_scene(random))


def sample_captions(random: Random, count: int) -> list[str]:
    """Return the captions of `count` random subjects."""
    return [random_subject(random).caption(random) for _ in range(count)]
