"""Nodes in the V3 convention."""

import enum

from aiohttp import web
from comfy_api.latest import ComfyAPI, ComfyExtension, io, ui
from server import PromptServer


class Flavour(enum.Enum):
    SWEET = "sweet"
    SOUR = "sour"


class Everything(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Everything",
            display_name="Every Input",
            category="specimen/v3",
            description="Shows what it is given.",
            is_output_node=True,
            is_experimental=True,
            inputs=[
                io.Int.Input("count", default=3, min=1, max=9, step=2, control_after_generate=True, tooltip="How many."),
                io.Float.Input("share", default=0.5, round=0.01, display_mode=io.NumberDisplay.slider),
                io.String.Input("text", multiline=True, dynamic_prompts=True),
                io.Boolean.Input("on", default=True, label_on="yes"),
                io.Combo.Input("flavour", options=Flavour, default=Flavour.SOUR),
                io.MultiCombo.Input("several", options=["a", "b"], optional=True),
                io.MultiType.Input(io.Int.Input("either", default=1), [io.Float, io.String], optional=True),
                io.Custom("SPECIMEN").Input("own", optional=True),
                io.AnyType.Input("anything", optional=True, lazy=True),
            ],
            outputs=[
                io.String.Output("told", display_name="said", tooltip="All of it."),
                io.Int.Output(is_output_list=True),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def validate_inputs(cls, count):
        return True if count != 5 else "five is refused"

    @classmethod
    def execute(cls, count, share, text, on, flavour, **optional):
        told = [count, share, text, on, flavour, sorted(optional), cls.hidden.unique_id, cls.hidden.dynprompt]
        return io.NodeOutput(str(count), list(range(count)), ui={"told": told})


class SetsItself(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema("SetsItself", inputs=[], outputs=[io.Int.Output()], is_output_node=True)

    @classmethod
    def execute(cls):
        cls.kept = 1


class Returns(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        forms = ["output", "tuple", "none", "dict", "blocker", "block", "wrong"]
        return io.Schema(
            "Returns", inputs=[io.Combo.Input("form", options=forms)], outputs=[io.Int.Output("one"), io.Int.Output("two")]
        )

    @classmethod
    def execute(cls, form):
        from comfy_execution.graph import ExecutionBlocker

        match form:
            case "output":
                return io.NodeOutput(1, 2)
            case "tuple":
                return (1, 2)
            case "none":
                return None
            case "dict":
                return {"result": (1, 2), "ui": {"text": ["dict"]}}
            case "blocker":
                return ExecutionBlocker("held back")
            case "block":
                return io.NodeOutput(block_execution="held back")
        return 5


class ExpandsV3(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            "ExpandsV3", inputs=[io.Int.Input("value")], outputs=[io.Int.Output()], enable_expand=True
        )

    @classmethod
    def execute(cls, value):
        from comfy_execution.graph_utils import GraphBuilder

        graph = GraphBuilder()
        return io.NodeOutput(graph.node("AsyncDouble", value=value).out(0), expand=graph.finalize())


class AsyncDouble(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema("AsyncDouble", inputs=[io.Int.Input("value")], outputs=[io.Int.Output()])

    @classmethod
    async def execute(cls, value):
        import asyncio

        await asyncio.sleep(0)
        await ComfyAPI().execution.set_progress(1, 2)
        return io.NodeOutput(value * 2)


class LazyV3(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            "LazyV3",
            inputs=[
                io.Boolean.Input("first"),
                io.AnyType.Input("a", lazy=True, optional=True),
                io.AnyType.Input("b", lazy=True, optional=True),
            ],
            outputs=[io.AnyType.Output()],
        )

    @classmethod
    def check_lazy_status(cls, first, a=None, b=None):
        return ["a"] if first else ["b"]

    @classmethod
    def execute(cls, first, a=None, b=None):
        return io.NodeOutput(a if first else b)


class Fingerprinted(io.ComfyNode):
    token = [1]
    runs = [0]

    @classmethod
    def define_schema(cls):
        return io.Schema("Fingerprinted", inputs=[], outputs=[io.Int.Output()], not_idempotent=True)

    @classmethod
    def fingerprint_inputs(cls):
        return cls.token[0]

    @classmethod
    def execute(cls):
        cls.runs[0] += 1
        return io.NodeOutput(cls.runs[0])


class Grows(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            "Grows",
            inputs=[
                io.Autogrow.Input("numbers", template=io.Autogrow.TemplatePrefix(io.Int.Input("n"), "n", min=1, max=4)),
                io.DynamicCombo.Input(
                    "size",
                    options=[
                        io.DynamicCombo.Option("fixed", [io.Int.Input("width", default=8)]),
                        io.DynamicCombo.Option("free", []),
                    ],
                ),
            ],
            outputs=[],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, numbers, size):
        return io.NodeOutput(ui={"told": [numbers, size]})


class ShowsText(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema("ShowsText", inputs=[io.String.Input("text")], is_output_node=True)

    @classmethod
    def execute(cls, text):
        return io.NodeOutput(ui=ui.PreviewText(text))


class ShowsPicture(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema("ShowsPicture", inputs=[], is_output_node=True)

    @classmethod
    def execute(cls):
        import torch

        mask = ui.PreviewMask(torch.ones(1, 4, 4), cls=cls)
        saved = ui.ImageSaveHelper.get_save_images_ui(torch.zeros(1, 4, 4, 3), "v3/pic", cls)
        return io.NodeOutput(ui={"images": [*mask.as_dict()["images"], *saved.as_dict()["images"]]})


class Broken(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema("Broken", inputs=[io.Int.Input("same"), io.Int.Input("same")])

    @classmethod
    def execute(cls, same):
        return None


class FieldFromTheFuture(io.ComfyNode):
    """Uses a socket type that only newer hosts have."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="FieldFromTheFuture",
            inputs=[io.DepthField.Input("field", optional=True), io.Int.Input("count", default=1)],
            outputs=[io.DepthField.Output(), io.File3DGLB.Output(display_name="model")],
            search_aliases=["depth"],
        )

    @classmethod
    def execute(cls, count, field=None):
        return io.NodeOutput(field, None)


async def loaded(request):
    return web.json_response({"loaded": True})


class Extension(ComfyExtension):
    loaded = False

    async def on_load(self):
        self.loaded = True
        api = ComfyAPI()
        await api.node_replacement.register(
            io.NodeReplace(
                new_node_id="Returns",
                old_node_id="ReturnsOnce",
                input_mapping=[{"new_id": "form", "old_id": "how"}, {"new_id": "extra", "set_value": 1}],
                output_mapping=[{"old_idx": 1, "new_idx": 0}],
            )
        )
        PromptServer.instance.routes.get("/schema_nodes/loaded")(loaded)

    async def get_node_list(self):
        assert self.loaded
        return [
            Everything, SetsItself, Returns, ExpandsV3, AsyncDouble, LazyV3, Fingerprinted, Grows, ShowsText,
            ShowsPicture, Broken, FieldFromTheFuture,
        ]


async def comfy_entrypoint():
    return Extension()
