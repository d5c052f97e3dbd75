"""Specimens of the schema convention."""

import asyncio

from comfy_api.latest import ComfyExtension, io, ui


class Plain(io.ComfyNode):
    """Every kind of input."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="SchemaPlain",
            display_name="Plain (schema)",
            category="probe/schema",
            description="Shows what it gets.",
            inputs=[
                io.Int.Input("whole", default=3, min=0, max=9, step=2, display_mode=io.NumberDisplay.slider),
                io.Float.Input("real", default=0.5, min=0.0, max=1.0, round=0.01),
                io.String.Input("words", default="a", multiline=True, placeholder="say", dynamic_prompts=True),
                io.Boolean.Input("flag", default=True, label_on="on", label_off="off"),
                io.Combo.Input("pick", options=["x", "y"], default="y", tooltip="one of two"),
                io.Image.Input("image", optional=True),
            ],
            outputs=[io.Int.Output(display_name="number", tooltip="a number"), io.String.Output("words_out")],
            hidden=[io.Hidden.unique_id],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, whole, real, words, flag, pick, image=None):
        given = [whole, real, words, flag, pick, image is None, cls.hidden.unique_id, cls.hidden.prompt is not None]
        return io.NodeOutput(whole, words, ui={"given": given})

    @classmethod
    def validate_inputs(cls, whole, pick):
        return True if whole != 7 else "seven is not allowed"


class Later(io.ComfyNode):
    """Is asynchronous."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="SchemaLater",
            inputs=[io.Float.Input("seconds", default=0.1)],
            outputs=[io.Float.Output(is_output_list=True)],
            is_deprecated=True,
            not_idempotent=True,
        )

    @classmethod
    async def execute(cls, seconds):
        await asyncio.sleep(seconds)
        return io.NodeOutput([seconds, seconds])


class Returns(io.ComfyNode):
    """Returns things of every form."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="SchemaReturns",
            inputs=[io.Combo.Input("form", options=["dict", "block", "silent", "tuple", "none", "text"])],
            outputs=[io.AnyType.Output()],
        )

    @classmethod
    def execute(cls, form):
        if form == "dict":
            return {"result": ("from a dict",), "ui": {"text": ["d"]}}
        if form == "block":
            return io.NodeOutput(block_execution="closed")
        if form == "silent":
            return io.NodeOutput(1, block_execution="closed")
        if form == "tuple":
            return ("from a tuple",)
        if form == "none":
            return None
        return io.NodeOutput("text", ui=ui.PreviewText("shown"))


class Lazy(io.ComfyNode):
    """Evaluates one of two, with a fingerprint."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="SchemaLazy",
            inputs=[
                io.Boolean.Input("first"),
                io.AnyType.Input("a", lazy=True, optional=True),
                io.AnyType.Input("b", lazy=True, optional=True),
            ],
            outputs=[io.AnyType.Output()],
        )

    @classmethod
    def check_lazy_status(cls, first, a=None, b=None):
        return ["a" if first else "b"]

    @classmethod
    def fingerprint_inputs(cls, first, a=None, b=None):
        return first

    @classmethod
    def execute(cls, first, a=None, b=None):
        return io.NodeOutput(a if first else b)


class Grow(io.ComfyNode):
    """Expands."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="SchemaGrow",
            inputs=[io.String.Input("text"), io.MultiType.Input("either", [io.Int, io.Float], optional=True)],
            outputs=[io.String.Output()],
            enable_expand=True,
        )

    @classmethod
    def execute(cls, text, either=None):
        from comfy_execution.graph_utils import GraphBuilder

        graph = GraphBuilder()
        node = graph.node("ProbeText", text=text)
        return io.NodeOutput(node.out(0), expand=graph.finalize())


class Progress(io.ComfyNode):
    """Tells its progress."""

    @classmethod
    def define_schema(cls):
        return io.Schema(node_id="SchemaProgress", inputs=[], outputs=[io.Int.Output()], is_output_node=True)

    @classmethod
    async def execute(cls):
        from comfy_api.latest import ComfyAPI
        from PIL import Image

        await ComfyAPI().execution.set_progress(1, 4, preview_image=Image.new("RGB", (16, 16), "blue"))
        await asyncio.sleep(0.1)
        return io.NodeOutput(1)


class Extension(ComfyExtension):
    """The pack."""

    async def get_node_list(self):
        return [Plain, Later, Returns, Lazy, Grow, Progress]


async def comfy_entrypoint():
    """Gives the extension."""
    return Extension()
