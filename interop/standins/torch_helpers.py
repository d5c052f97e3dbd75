"""Host module `comfy_api.torch_helpers`."""

import logging
from typing import Any

_log = logging.getLogger("heddle.packs")


def set_torch_compile_wrapper(model: Any, backend: Any, *args: Any, **kwargs: Any) -> None:
    """Leave a model as it is: this engine does not compile networks, which changes nothing but their speed."""
    _log.warning("A pack asked to compile a model with %r; this engine runs it as it is.", backend)
