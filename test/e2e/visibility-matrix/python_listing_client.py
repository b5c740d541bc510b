"""Lists with the Python SDK. Each line of the input is a request, each line of the output what came of it."""

import json
import sys

import anyio
import httpx2
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client


def flat(error):
    """Task groups wrap what was raised in them."""
    return flat(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


LISTS = {
    "tools": ("list_tools", "tools", "name"),
    "prompts": ("list_prompts", "prompts", "name"),
    "resources": ("list_resources", "resources", "uri"),
    "resourceTemplates": ("list_resource_templates", "resource_templates", "uri_template"),
}


async def all_pages(client, kind):
    method, field, name = LISTS[kind]
    listed, cursor = [], None
    while True:
        page = await getattr(client, method)(cursor=cursor)
        listed += [str(getattr(item, name)) for item in getattr(page, field)]
        cursor = page.next_cursor
        if cursor is None:
            return listed


async def answer(request):
    headers = {**request["headers"], "authorization": f"Bearer {request['token']}"}
    try:
        async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
            client = Client(streamable_http_client(request["url"], http_client=http), mode=request["mode"])
            async with client:
                return {kind: await all_pages(client, kind) for kind in request["kinds"]}
    except BaseException as error:
        return {"refused": str(flat(error))}


for line in sys.stdin:
    print(json.dumps(anyio.run(answer, json.loads(line))), flush=True)
