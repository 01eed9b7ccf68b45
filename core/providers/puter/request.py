"""A request as the arguments of Puter's chat driver, and what of it Puter would drop."""

from __future__ import annotations

from core.chat.events import Notice
from core.chat.requests import BuiltinTool, ChatRequest, FunctionTool, Json, NamedTool
from core.dialects import parameters
from core.dialects.openai import encode_tool
from core.providers.puter.messages import encode_messages
from core.providers.puter.models import Dialect, Vendor

_NO_THINKING = frozenset({"none", "minimal"})
"""Efforts for which Claude has no word: it does not think where none is asked for."""


def encode(request: ChatRequest, vendor: Vendor) -> dict[str, Json]:
    """The arguments of `complete`.

    With tools in play the whole answer is asked for: of several calls in a stream, Puter keeps the last.
    """
    tools = _tools(request, vendor)
    return {
        "messages": encode_messages(request.messages, vendor.dialect),
        "model": request.model,
        "stream": request.stream and not tools,
        **_limits(request, vendor),
        **_thinking(request, vendor),
        **({"tools": tools} if tools else {}),
        **_tool_choice(request, vendor),
    }


def left_out(request: ChatRequest, vendor: Vendor) -> list[Notice]:
    """A notice for everything that changes the answer and does not reach the vendor."""
    taken = vendor.reads | ({"max_completion_tokens"} if "max_tokens" in vendor.reads else set())
    notices = parameters.left_out(request, taken)
    if any(isinstance(tool, BuiltinTool) and not _passes(tool, vendor) for tool in request.tools):
        notices.append(Notice("tools"))
    if request.tools and _chooses(request, vendor) and "tool_choice" not in vendor.reads:
        notices.append(Notice("tool_choice"))
    return notices


def _limits(request: ChatRequest, vendor: Vendor) -> dict[str, Json]:
    limits: dict[str, Json] = {}
    if "temperature" in request.parameters:
        limits["temperature"] = request.parameters["temperature"]
    if request.max_tokens is not None:
        limits["max_tokens"] = request.max_tokens
    if "top_p" in request.parameters and "top_p" in vendor.reads:
        limits["top_p"] = request.parameters["top_p"]
    return limits


def _thinking(request: ChatRequest, vendor: Vendor) -> dict[str, Json]:
    """Effort and verbosity; for the responses API in its own form, the only one that reaches it."""
    effort, verbosity = request.parameters.get("reasoning_effort"), request.parameters.get("verbosity")
    wanted: dict[str, Json] = {"reasoning_effort": effort, "verbosity": verbosity}
    if vendor.dialect is Dialect.RESPONSES:
        wanted = {"reasoning": effort and {"effort": effort}, "text": verbosity and {"verbosity": verbosity}}
        wanted = wanted if "reasoning_effort" in vendor.reads else {}
    elif vendor.dialect is Dialect.CLAUDE and effort in _NO_THINKING:
        del wanted["reasoning_effort"]
    return {name: value for name, value in wanted.items() if value}


def _tools(request: ChatRequest, vendor: Vendor) -> list[Json]:
    if request.tool_choice == "none" and not _chooses(request, vendor):
        return []
    return [encode_tool(tool) for tool in request.tools if isinstance(tool, FunctionTool) or _passes(tool, vendor)]


def _passes(tool: BuiltinTool, vendor: Vendor) -> bool:
    """Of the tools that vendors run themselves Puter knows one; it takes all others for functions."""
    return tool.body.get("type") == "web_search" and vendor.dialect is not Dialect.CLAUDE


def _chooses(request: ChatRequest, vendor: Vendor) -> bool:
    """Whether the vendor would have to be told of `tool_choice`.

    Usually not for "none", which is as good as no tools; but Claude insists on the tools that it has called.
    """
    if request.tool_choice == "none":
        return vendor.dialect is Dialect.CLAUDE and any(message.tool_calls for message in request.messages)
    return request.tool_choice not in {None, "auto"}


def _tool_choice(request: ChatRequest, vendor: Vendor) -> dict[str, Json]:
    if not request.tools or "tool_choice" not in vendor.reads or not _chooses(request, vendor):
        return {}
    choice: Json = request.tool_choice
    if isinstance(request.tool_choice, NamedTool):
        function = {"name": request.tool_choice.name}
        flat = vendor.dialect is Dialect.RESPONSES
        choice = {"type": "function", **function} if flat else {"type": "function", "function": function}
    return {"tool_choice": choice}
