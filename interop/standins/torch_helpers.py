"""Host module `comfy_api.torch_helpers`."""

from interop.placeholders import placeholder as _placeholder

set_torch_compile_wrapper = _placeholder("comfy_api.torch_helpers.set_torch_compile_wrapper")
