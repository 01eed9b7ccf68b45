"""How a request is made, as a description says it: templates, and the values that fill them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.chat.events import Notice
from core.chat.ports import SECRET_SCHEME, Capabilities, Token
from core.chat.requests import ChatRequest, Json
from core.dialects.declared import conversation
from core.dialects.declared.forms.form import Form
from core.dialects.declared.http_template import HttpTemplate, Step
from core.dialects.declared.template import Values
from core.dialects.folding import fold
from core.dialects.parameters import left_out


@dataclass(frozen=True, slots=True)
class Request:
    """`steps` come before `chat`, the request whose answer is streamed. `names` are all their placeholders."""

    chat: HttpTemplate
    steps: tuple[Step, ...]
    names: frozenset[str]
    form: Form
    history: str
    system: str
    images: str
    variables: Mapping[str, Json]

    @property
    def capabilities(self) -> Capabilities:
        given = {name.removeprefix("parameters.") for name in self.names}
        return Capabilities(
            tools="tools" in given,
            images=self.images != "none",
            stop="stop" in given,
            token_limit=not given.isdisjoint({"max_tokens", "max_completion_tokens"}),
            response_format="response_format" in given,
        )

    def must_hold(self, url: str) -> bool:
        """Whether the request must hold the picture that `url` names."""
        return self.images == "parts" and self.form.must_hold(url)

    def notices(self, request: ChatRequest) -> list[Notice]:
        """One for each parameter that changes the answer and has no place in the templates."""
        taken = {name.removeprefix("parameters.") for name in self.names}
        if "max_tokens" in self.names:
            taken.add("max_completion_tokens")
        notices = left_out(request, taken)
        if request.wants_tools and request.tool_choice not in {None, "auto"} and "tool_choice" not in self.names:
            notices.append(Notice("tool_choice"))
        return notices


class Filling:
    """The values of one caller's request. `captured` grows with the steps."""

    def __init__(self, description: Request, request: ChatRequest, token: Token) -> None:
        self.captured: dict[str, Json] = {}
        self._description = description
        self._request = request
        self._token = token
        self._turns = conversation.arranged(request.messages, description.history, description.system)

    def value(self, name: str) -> Json:
        """What a placeholder stands for; None for nothing."""
        if name.startswith(SECRET_SCHEME):
            return self._token.reveal(name)
        group, _, key = name.partition(".")
        if group == "parameters":
            return self._request.parameters.get(key)
        if group == "variables":
            setting = self._description.variables.get(key)
            return self._token.reveal(setting) if isinstance(setting, str) else setting
        if group == "captured":
            return self.captured.get(key)
        return OUTSIDE[name](self._token) if name in OUTSIDE else PLACEHOLDERS[name](self)

    def message(self) -> str:
        return fold(self._turns)

    def messages(self) -> Json:
        turns = (conversation.folded(self._turns),) if self._description.history == "folded" else self._turns
        if self._description.images != "parts":
            turns = tuple(map(conversation.text_only, turns))
        return self._description.form.messages(turns)

    def last(self) -> str:
        return conversation.last_user_text(self._request.messages)

    def system(self) -> str | None:
        return conversation.system_text(self._request.messages) or None

    def images(self) -> Json:
        return conversation.image_urls(self._turns) or None

    def tools(self) -> Json:
        """The tools, unless none may be called and there is no other way to say so."""
        encode = self._description.form.tools
        wanted = self._request.wants_tools or (self._request.tools and "tool_choice" in self._description.names)
        return encode(self._request.tools) if encode and wanted else None

    def tool_choice(self) -> Json:
        choice, encode = self._request.tool_choice, self._description.form.tool_choice
        return encode(choice) if encode and choice and self._request.tools else None

    def model(self) -> str:
        return self._request.model

    def max_tokens(self) -> int | None:
        return self._request.max_tokens

    def stop(self) -> Json:
        stop = self._request.parameters.get("stop")
        return [stop] if isinstance(stop, str) else stop


def outside(token: Token) -> Values:
    """The values for a request that belongs to no conversation."""
    return lambda name: token.reveal(name) if name.startswith(SECRET_SCHEME) else OUTSIDE[name](token)


OUTSIDE: Mapping[str, Callable[[Token], Json]] = {
    "token": lambda token: token.secret or None,
    "uuid": lambda _: str(uuid.uuid4()),
}
"""The placeholders that always have a value."""

PLACEHOLDERS: Mapping[str, Callable[[Filling], Json]] = {
    "model": Filling.model,
    "message": Filling.message,
    "last": Filling.last,
    "system": Filling.system,
    "messages": Filling.messages,
    "images": Filling.images,
    "tools": Filling.tools,
    "tool_choice": Filling.tool_choice,
    "max_tokens": Filling.max_tokens,
    "stop": Filling.stop,
}
"""Those that only a conversation has."""
