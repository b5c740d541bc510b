"""A server of the Python SDK without sessions that tells what it read. Arguments: port.

Every path is the endpoint, except /_sightings: GET answers with one JSON text per line, DELETE forgets them.
"""

import json
import sys

import uvicorn
from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

CORPUS_HEADER = "x-corpus"
sightings: list[str] = []


def saw(ctx, method, params):
    corpus = None if ctx.request is None else ctx.request.headers.get(CORPUS_HEADER)
    kind = "notification" if ctx.request_id is None else "request"
    sightings.append(
        json.dumps({"corpus": corpus, "kind": kind, "id": ctx.request_id, "method": method, "params": params})
    )


async def watch(ctx, call_next):
    """Where the SDK carries a message out, behind all of its parsing."""
    handled = ctx.method in ("tools/call", "prompts/get", "resources/read")
    if ctx.request_id is None or not handled:
        saw(ctx, ctx.method, ctx.params)
    return await call_next(ctx)


async def call_tool(ctx, params):
    saw(ctx, "tools/call", params.model_dump(mode="json", by_alias=True, exclude_unset=True))
    return types.CallToolResult(content=[])


async def get_prompt(ctx, params):
    saw(ctx, "prompts/get", params.model_dump(mode="json", by_alias=True, exclude_unset=True))
    return types.GetPromptResult(messages=[])


async def read_resource(ctx, params):
    saw(ctx, "resources/read", params.model_dump(mode="json", by_alias=True, exclude_unset=True))
    return types.ReadResourceResult(contents=[])


server = Server("corpus", on_call_tool=call_tool, on_get_prompt=get_prompt, on_read_resource=read_resource)
server.middleware.append(watch)
manager = StreamableHTTPSessionManager(app=server, stateless=True)


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        async with manager.run():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["path"] != "/_sightings":
        await manager.handle_request(scope, receive, send)
        return
    body = "\n".join(sightings).encode()
    if scope["method"] == "DELETE":
        sightings.clear()
        body = b""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", timeout_keep_alive=60)
