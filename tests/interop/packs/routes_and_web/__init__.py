"""Routes, messages, progress, JavaScript."""

import threading

import comfy.utils
from aiohttp import web
from comfy_execution.utils import get_executing_context
from server import PromptServer

WEB_DIRECTORY = "./js"
routes = PromptServer.instance.routes


@routes.get("/specimen/hello/{name}")
async def hello(request):
    return web.json_response({"hello": request.match_info["name"]})


@routes.post("/specimen/echo")
async def echo(request):
    return web.json_response(await request.json())


@routes.get("/specimen/fails")
async def fails(request):
    raise RuntimeError("a handler's own fault")


def rename(data):
    data["extra_data"] = {**data.get("extra_data", {}), "seen": True}
    return data


PromptServer.instance.add_on_prompt_handler(rename)


class Sends:
    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"steps": ("INT", {"default": 2})}}

    def run(self, steps):
        server = PromptServer.instance
        server.send_sync("specimen.message", {"client": server.client_id, "node": server.last_node_id})
        server.send_sync(1, b"bytes", server.client_id)
        bar = comfy.utils.ProgressBar(steps)
        for _ in range(steps):
            bar.update(1)
        context = get_executing_context()
        queue = server.prompt_queue.get_current_queue()
        return {"ui": {"told": [context.node_id, context.prompt_id, context.list_index, queue[0][0][1]]}}


class SendsNonsense:
    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}}

    def run(self):
        PromptServer.instance.send_sync("specimen.message", {"value": object()})


class Previews:
    """Pictures while it works, from the function itself and from a thread it starts."""

    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"threaded": ("BOOLEAN", {"default": False})}}

    def run(self, threaded):
        from PIL import Image

        bar = comfy.utils.ProgressBar(1)
        picture = Image.new("RGB", (1000, 500), "red")

        def work():
            bar.update_absolute(1, 1, ("PNG", picture, 100))
            PromptServer.instance.send_progress_text("half way", PromptServer.instance.last_node_id)

        if threaded:
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        else:
            work()
        return {}


NODE_CLASS_MAPPINGS = {"Previews": Previews, "Sends": Sends, "SendsNonsense": SendsNonsense}
