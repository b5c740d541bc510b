"""Does what login-clients.ts asks of a client, with the Python SDK. Prints what it wants opened in a browser, then a report."""

import json
import sys
import warnings
from urllib.parse import urlsplit

import anyio
import httpx2
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

warnings.simplefilter("ignore")
plan = json.loads(sys.argv[1])
login = plan["login"]
report = {"calls": [], "traffic": [], "token": ""}


class Memory:
    def __init__(self):
        self.tokens = None
        self.client = None
        if "token" in plan:
            kept = plan["token"]
            self.tokens = OAuthToken(access_token=kept["value"], token_type="Bearer", scope=kept["scope"])
        if "clientId" in login and login["way"] == "person":
            self.client = OAuthClientInformationFull(client_id=login["clientId"], **registration())

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client_info):
        self.client = client_info


def registration():
    return {
        "redirect_uris": [plan["redirectUri"]],
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    }


async def open_browser(url):
    print(json.dumps({"authorize": url}), flush=True)


async def browser_came_back():
    answer = json.loads(await anyio.to_thread.run_sync(sys.stdin.readline))
    return AuthorizationCodeResult(code=answer["code"], state=answer.get("state"), iss=answer.get("iss"))


def provider(memory):
    if login["way"] == "secret":
        return ClientCredentialsOAuthProvider(
            plan["url"], memory, login["clientId"], login["clientSecret"], issuer=login["issuer"]
        )
    metadata = OAuthClientMetadata(client_name="login", **registration())
    return OAuthClientProvider(plan["url"], metadata, memory, open_browser, browser_came_back)


async def note(response):
    request = response.request
    report["traffic"].append(f"{request.method} {urlsplit(str(request.url)).path} {response.status_code}")


def flat(error):
    """Task groups wrap what was raised in them."""
    return flat(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


async def call(client, one):
    try:
        result = await client.call_tool(one["name"], one.get("arguments", {}))
    except Exception as error:
        return f"error: {flat(error)}"
    return f"toolError: {result.content}" if result.is_error else "ok"


async def main():
    memory = Memory()
    try:
        # The client follows every exchange of the flow; the hook sees them too.
        async with httpx2.AsyncClient(auth=provider(memory), timeout=20) as http:
            transport = http._transport
            handle = transport.handle_async_request

            async def noted(request):
                response = await handle(request)
                response.request = request
                await note(response)
                return response

            transport.handle_async_request = noted
            async with Client(streamable_http_client(plan["url"], http_client=http), mode=plan["mode"]) as client:
                for one in plan["calls"]:
                    report["calls"].append(await call(client, one))
    except BaseException as error:
        report["calls"].append(f"error: {flat(error)}")
    report["token"] = memory.tokens.access_token if memory.tokens else ""
    print(json.dumps(report), flush=True)


anyio.run(main)
