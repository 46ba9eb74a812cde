"""What a Python program does with MCP's official client at a server of tools behind Switchyard: one function for each
thing, run by name. The server is the one of the client's own README.

BASE_URL and API_KEY come by the environment; the server is `demo`, and `narrow` is the same one without its tool.
"""

import asyncio
import os
import sys

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client


def client(mode="auto", server="demo", key=os.environ["API_KEY"]):
    http = httpx2.AsyncClient(headers={"authorization": f"Bearer {key}"}, timeout=30)
    return Client(streamable_http_client(f"{os.environ['BASE_URL']}/mcp/{server}", http_client=http), mode=mode)


async def each():
    """By the newest version of the protocol, and by the one with sessions."""
    for mode, version in (("auto", "2026-07-28"), ("legacy", "2025-11-25")):
        async with client(mode) as connected:
            assert connected.session.protocol_version == version, connected.session.protocol_version
            assert connected.server_info.name == "Demo", connected.server_info
            yield connected


async def tools():
    async for connected in each():
        assert [tool.name for tool in (await connected.list_tools()).tools] == ["add"]
        result = await connected.call_tool("add", {"a": 1, "b": 2})
        assert result.structured_content == {"result": 3} and not result.is_error, result


async def resources():
    async for connected in each():
        (content,) = (await connected.read_resource("greeting://Ada")).contents
        assert content.text == "Hello, Ada!", content


async def wrong_arguments():
    async for connected in each():
        assert (await connected.call_tool("add", {"a": "one"})).is_error


async def hidden():
    for mode in ("auto", "legacy"):
        async with client(mode, "narrow") as connected:
            assert (await connected.list_tools()).tools == []
            try:
                await connected.call_tool("add", {"a": 1, "b": 2})
            except MCPError as refused:
                assert refused.error.code == -32602 and "add" in refused.error.message, refused
            else:
                raise AssertionError("a hidden tool was called")


async def concurrent():
    async with client() as connected:
        results = await asyncio.gather(*[connected.call_tool("add", {"a": i, "b": i}) for i in range(20)])
    assert [result.structured_content["result"] for result in results] == [2 * i for i in range(20)]


def leaves(error):
    return [leaf for one in error.exceptions for leaf in leaves(one)] if isinstance(error, ExceptionGroup) else [error]


async def refusals():
    for server, key, word in (("demo", "wrong", "key"), ("nobody", os.environ["API_KEY"], "nobody")):
        for mode in ("auto", "legacy"):
            try:
                async with client(mode, server, key):
                    pass
            except (MCPError, ExceptionGroup) as error:
                (refused,) = leaves(error)
                assert isinstance(refused, MCPError) and word in str(refused), refused
            else:
                raise AssertionError(f"accepted: {server}")


if __name__ == "__main__":
    asyncio.run(globals()[sys.argv[1]]())
