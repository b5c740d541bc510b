"""Takes the steps of matrix-client.ts with the Python SDK, and prints what came of each as a line of JSON."""

import json
import sys
import time

import anyio
import httpx2
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

url, token, mode, plan = sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4])


def flat(error):
    """Task groups wrap what was raised in them."""
    return flat(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


def report(step, started, kind, text="", code=None):
    took = round((time.monotonic() - started) * 1000)
    print(json.dumps({"step": step, "kind": kind, "text": text, "code": code, "ms": took}), flush=True)


def report_error(step, started, error):
    error = flat(error)
    inner = getattr(error, "error", None)
    data = getattr(inner, "data", None)
    report(step, started, "error", f"{error} {json.dumps(data)}", getattr(inner, "code", None))


async def take(step, client):
    if step == "list":
        return await client.list_prompts()
    if step == "prompt":
        return await client.get_prompt("simple-prompt")
    if step == "resource":
        return await client.read_resource("demo://x")
    if step == "notify":
        return await client.send_roots_list_changed()
    call = plan[step]
    return await client.call_tool(call["name"], call["arguments"])


async def main():
    headers = {"authorization": f"Bearer {token}"}
    started = time.monotonic()
    connected = False
    try:
        async with httpx2.AsyncClient(headers=headers, timeout=20) as http:
            client = Client(streamable_http_client(url, http_client=http), mode=mode, list_roots_callback=no_roots)
            async with client:
                connected = True
                report("connect", started, "ok", client.protocol_version)
                for step in ["denied", "prompt", "resource", "list", "notify", "allowed"]:
                    started = time.monotonic()
                    try:
                        result = await take(step, client)
                    except Exception as error:
                        report_error(step, started, error)
                        continue
                    failed = getattr(result, "is_error", False)
                    texts = [getattr(part, "text", "") for part in getattr(result, "content", [])]
                    report(step, started, "toolError" if failed else "ok", "\n".join(texts))
                started = time.monotonic()
        report("close", started, "ok")
    except BaseException as error:
        report_error("close" if connected else "connect", started, error)


async def no_roots(_context):
    raise NotImplementedError


anyio.run(main)
