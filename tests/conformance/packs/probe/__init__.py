"""Specimens of the class convention, one for each thing that the protocol says about nodes."""

from aiohttp import web

from server import PromptServer

from . import checks, flow, values, work

NODE_CLASS_MAPPINGS = {
    f"Probe{name}": kind
    for module in (values, flow, checks, work)
    for name, kind in vars(module).items()
    if isinstance(kind, type) and hasattr(kind, "FUNCTION")
}
NODE_DISPLAY_NAME_MAPPINGS = {"ProbeText": "A text (probe)"}
WEB_DIRECTORY = "./web"


@PromptServer.instance.routes.get("/probe/hello/{name}")
async def hello(request):
    """A route of the pack."""
    return web.json_response({"hello": request.match_info["name"], "query": dict(request.query)})


@PromptServer.instance.routes.post("/probe/send")
async def send(request):
    """Sends an event to whom the body names."""
    body = await request.json()
    PromptServer.instance.send_sync(body["type"], body["data"], body.get("sid"))
    return web.json_response({})


@PromptServer.instance.routes.get("/probe/file")
async def file(request):
    """A file of the pack."""
    return web.FileResponse(__file__)


@PromptServer.instance.routes.get("/probe/talk")
async def talk(request):
    """Talks over a websocket until it hears bye."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.data == "bye":
            await socket.close(code=4001)
        elif isinstance(message.data, bytes):
            await socket.send_bytes(message.data[::-1])
        else:
            await socket.send_str(f"you said {message.data}")
    return socket


def mark(body):
    """Marks submissions that ask for it, and fails for others that ask for that."""
    if body.get("extra_data", {}).get("mark"):
        body["prompt"]["1"]["inputs"]["text"] = "marked"
    if body.get("extra_data", {}).get("break"):
        raise RuntimeError("handler broke")
    return body


def sign(body):
    """Comes after the other; signs submissions that ask for it."""
    if body.get("extra_data", {}).get("sign"):
        body["prompt"]["1"]["inputs"]["text"] += " signed"
    return body


PromptServer.instance.add_on_prompt_handler(mark)
PromptServer.instance.add_on_prompt_handler(sign)
