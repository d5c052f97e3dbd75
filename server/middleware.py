"""What is done around every handler: access, errors as bodies, cache and security headers."""

from __future__ import annotations

import asyncio
import errno
import logging
import re
import time

from aiohttp import ClientPayloadError, hdrs, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler, Middleware
from sqlalchemy.exc import SQLAlchemyError

from graph_runtime.folders import UnsafePath
from server import login
from server.bodies import too_long
from server.errors import NoWorker, Refused, StoreError
from server.keys import JOURNAL, SETTINGS
from server.security import Guard
from server.settings import Settings

__all__ = ["error_body", "middlewares"]

log = logging.getLogger("heddle.http")


_NO_CACHE = re.compile(r"(\.js|\.css|/index[^/]*\.json)$")
_IMAGE = re.compile(r"\.(jpg|jpeg|png|ppm|bmp|pgm|tif|tiff|webp)$", re.IGNORECASE)
_CORS_METHODS = "POST, GET, DELETE, PUT, OPTIONS"


def middlewares(settings: Settings) -> list[Middleware]:
    """The middlewares of the application, outermost first."""
    return [_headers(settings), _errors, _access(settings)]


def error_body(request: web.Request, refused: Refused) -> web.Response:
    """An error answer: our shape under /api/v1, the established one elsewhere."""
    if request.path.startswith("/api/v1/"):
        problem = {"code": refused.code, "node": None, "input": None, "what": refused.what, "fix": refused.fix}
        return web.json_response(
            {"problems": [problem], **refused.extra}, status=refused.status, headers=refused.headers
        )
    error = {"type": refused.code, "message": refused.what, "details": refused.fix, "extra_info": refused.extra}
    return web.json_response({"error": error, "node_errors": {}}, status=refused.status, headers=refused.headers)


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what handlers raise into answers."""
    try:
        return await handler(request)
    except Refused as refused:
        return error_body(request, refused)
    except UnsafePath as error:
        return error_body(request, Refused(403, "unsafe_path", str(error)))
    except NoWorker as error:
        return error_body(request, Refused(503, "no_worker", str(error)))
    except TimeoutError:
        return error_body(request, Refused(504, "too_slow", "The worker did not answer in time.", "Try again later."))
    except StoreError as error:
        return error_body(request, Refused(503, "closing", str(error)))
    except SQLAlchemyError as error:
        log.exception("the job table failed during %s %s", request.method, request.path)
        cause = getattr(error, "orig", error)
        what = f"The job table cannot be used: {cause}."
        return error_body(request, Refused(507, "store_failed", what, "Nothing was accepted. Check the disk."))
    except web.HTTPRequestEntityTooLarge:
        return error_body(request, too_long(request.app[SETTINGS].max_upload_bytes))
    except (web.HTTPException, asyncio.CancelledError):
        raise
    except ConnectionError as error:
        log.debug("the client of %s %s left: %s", request.method, request.path, error)
        return error_body(request, Refused(400, "client_left", "The client left in the middle of its request."))
    except OSError as error:
        return error_body(request, _of_disk(request, error))
    except (HttpProcessingError, ClientPayloadError) as error:
        return error_body(request, Refused(400, "invalid_http", f"The body cannot be read: {error}."))
    except Exception:
        log.exception("%s %s failed", request.method, request.path)
        if request.path.startswith("/api/v1/"):
            what, fix = "The server made a mistake.", "The server's log says what happened."
            return error_body(request, Refused(500, "internal_error", what, fix))
        text = "500 Internal Server Error\n\nThe server's log says what happened.\n"
        return web.Response(status=500, text=text)


def _of_disk(request: web.Request, error: OSError) -> Refused:
    """What the file system says about a name or a write, as an answer."""
    said = error.strerror or str(error)
    match error.errno:
        case errno.ENAMETOOLONG:
            return Refused(400, "name_too_long", f"The name cannot be used: {said}.", "Give a shorter name.")
        case errno.ENOTDIR | errno.EISDIR | errno.EEXIST | errno.ENOTEMPTY:
            return Refused(409, "name_taken", f"The name cannot be used: {said}.", "Choose another name.")
        case errno.ENOSPC | errno.EDQUOT | errno.EROFS | errno.EFBIG:
            log.error("%s %s could not write: %s", request.method, request.path, error)
            return Refused(507, "not_stored", f"The file cannot be written: {said}.", "Make room on the disk.")
    log.exception("%s %s failed", request.method, request.path)
    return Refused(500, "internal_error", "The server made a mistake.", "The server's log says what happened.")


def _access(settings: Settings) -> Middleware:
    guard = Guard(settings)

    @web.middleware
    async def access(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            guard.check(request)
        except Refused as refused:
            if refused.status == 401 and login.asks_for_page(request):
                return login.page()
            raise
        if (welcome := login.take_token(request, settings)) is not None:
            return welcome
        if request.method == hdrs.METH_OPTIONS:
            return web.Response()
        return await handler(request)

    return access


def _headers(settings: Settings) -> Middleware:
    @web.middleware
    async def headers(request: web.Request, handler: Handler) -> web.StreamResponse:
        start = time.perf_counter()
        try:
            response = await handler(request)
        except web.HTTPException as error:
            _note(request, error.status, start)
            _set_cache(request.path, error.status, error)
            error.headers.setdefault("X-Content-Type-Options", "nosniff")
            raise
        if not response.prepared:
            _note(request, response.status, start)
            _set_cache(request.path, response.status, response)
            response.headers.setdefault("X-Content-Type-Options", "nosniff")
            response.headers.setdefault("Referrer-Policy", "no-referrer")
            if settings.cors_origin is not None:
                response.headers["Access-Control-Allow-Origin"] = settings.cors_origin
                response.headers["Access-Control-Allow-Methods"] = _CORS_METHODS
                response.headers["Access-Control-Allow-Headers"] = "Content-Type, Authorization"
                response.headers["Access-Control-Allow-Credentials"] = "true"
            compressible = response.content_type in ("application/json", "text/plain")
            if settings.compress and compressible and hdrs.CONTENT_ENCODING not in response.headers:
                response.enable_compression()
        return response

    return headers


def _note(request: web.Request, status: int, start: float) -> None:
    """Count a request under its route, which has few values where its path has many."""
    resource = request.match_info.route.resource
    route = "none" if resource is None else resource.canonical
    request.app[JOURNAL].answered(request.method, route, status, time.perf_counter() - start)


def _set_cache(path: str, status: int, response: web.StreamResponse) -> None:
    """The established cache headers, unless the handler chose its own (protocol §1.1.1)."""
    if hdrs.CACHE_CONTROL in response.headers:
        return
    if _NO_CACHE.search(path):
        response.headers[hdrs.CACHE_CONTROL] = "no-cache"
    elif path == "/" and status == 200:
        response.headers[hdrs.CACHE_CONTROL] = "no-cache"
        response.headers["Pragma"] = "no-cache"
        response.headers["Expires"] = "0"
    elif _IMAGE.search(path):
        if 200 <= status <= 206 or status in (301, 308):
            response.headers[hdrs.CACHE_CONTROL] = "public, max-age=86400"
        elif status == 404:
            response.headers[hdrs.CACHE_CONTROL] = "public, max-age=3600"
        elif status in (302, 303, 307):
            response.headers[hdrs.CACHE_CONTROL] = "no-cache"
