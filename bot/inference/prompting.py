"""Chat messages into the pieces of a prompt, such that a customer's text can never act as one of the model's controls.

A model's template and its control tokens ("<|im_start|>") are the shop's; the messages' contents are not. So the
template is rendered around placeholders, and what comes out is cut into pieces: trusted ones, in which control tokens
are read as such, and contents, in which they are text.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.ports import ChatMessage

log = logging.getLogger(__name__)

Tokenize = Callable[[str, bool], list[int]]
"""Tokenises a text; the flag says whether control tokens count as such."""

Render = Callable[[list[dict[str, str]]], str]
"""Renders messages of role and content; raises ValueError when the template does not take them."""

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def renderers(template: str | None, bos: str, eos: str) -> list[Render]:
    """Return what renders a model's own chat template, if it has one that compiles, and ChatML after it."""
    from jinja2 import TemplateSyntaxError  # It comes with llama_cpp, and a bot of rules alone never needs it.

    renders: list[Render] = []
    for source in (template, CHATML):
        try:
            if source is not None:
                renders.append(_compiled(source, bos, eos))
        except TemplateSyntaxError as error:
            log.warning("model.template", extra={"detail": str(error)})
    return renders


def _compiled(source: str, bos: str, eos: str) -> Render:
    from jinja2 import TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    # Trimmed blocks and these names are what the templates of model makers are written for.
    sandbox = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"], autoescape=False
    )
    sandbox.filters["tojson"] = lambda value, **_: json.dumps(value, ensure_ascii=False)
    names = {"bos_token": bos, "eos_token": eos, "raise_exception": _refuse, "strftime_now": _strftime_now}
    # The mark around what a trainer computes the loss on; nothing to render.
    compiled = sandbox.from_string(re.sub(r"{%-?\s*(end)?generation\s*-?%}", "", source))

    def render(messages: list[dict[str, str]]) -> str:
        try:
            return compiled.render(messages=messages, add_generation_prompt=True, **names)
        except (TemplateError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
            raise ValueError(f"its chat template failed: {error}") from error

    return render


def _refuse(message: str) -> str:
    raise ValueError(message)


def _strftime_now(form: str) -> str:
    return datetime.now().astimezone().strftime(form)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the prompt; control tokens count as such only in a trusted one."""

    text: str
    trusted: bool


def pieces(messages: Sequence[ChatMessage], renders: Iterable[Render]) -> list[Piece]:
    """Render with the first of `renders` that takes the messages, as they are or with the system's folded in.

    Raises:
        ValueError: none takes them.
    """
    for render in renders:
        for shape in (tuple(messages), folded(messages)):
            try:
                return _around_placeholders(shape, render)
            except ValueError:
                continue
    raise ValueError("its chat template does not take these messages")


def _around_placeholders(messages: Sequence[ChatMessage], render: Render) -> list[Piece]:
    # The nonce is fresh, so that no content can hold the name of another's place.
    nonce = secrets.token_hex(8)
    places = [f"PLACE{nonce}N{index}E" for index in range(len(messages))]
    text = render([{"role": m.role, "content": place} for m, place in zip(messages, places, strict=True)])
    if any(text.count(place) != 1 for place in places):
        raise ValueError("the template dropped or repeated a message")
    contents = dict(zip(places, (m.content for m in messages), strict=True))
    parts = re.split(f"(PLACE{nonce}N[0-9]+E)", text)
    return [Piece(contents[part], False) if part in contents else Piece(part, True) for part in parts if part]


def folded(messages: Sequence[ChatMessage]) -> tuple[ChatMessage, ...]:
    """Return the messages for templates that know no system role and want user and assistant to alternate."""
    result: list[ChatMessage] = []
    for message in messages:
        role = "user" if message.role == "system" else message.role
        if result and result[-1].role == role:
            result[-1] = ChatMessage(role, f"{result[-1].content}\n\n{message.content}")
        else:
            result.append(ChatMessage(role, message.content))
    return tuple(result)


class Prompter:
    """Turns messages into tokens for one model.

    Args:
        renders: the chat templates, the model's own first.
        controls: the texts of its control tokens.
        first: the token every prompt begins with; None if there is none.
    """

    def __init__(
        self, tokenize: Tokenize, renders: Sequence[Render], controls: Iterable[str], first: int | None
    ) -> None:
        self._tokenize = tokenize
        self._renders = renders
        self._breaker = Breaker(controls)
        self._first = first

    def text(self, text: str) -> list[int]:
        """Tokenise what somebody wrote: whatever it spells, it is text."""
        return [token for part in self._breaker.parts(text) for token in self._tokenize(part, False)]

    def prompt(self, messages: Sequence[ChatMessage]) -> list[int]:
        """Return the tokens of a conversation up to where the assistant speaks.

        Raises:
            ValueError: no template takes the messages, or the text cannot be tokenised.
        """
        tokens: list[int] = []
        for piece in pieces(messages, self._renders):
            tokens += self._tokenize(piece.text, True) if piece.trusted else self.text(piece.text)
        if self._first is not None and tokens[:1] != [self._first]:
            tokens.insert(0, self._first)
        return tokens


class Breaker:
    """Cuts untrusted text inside every control token that it spells, so that the parts are tokenised as plain text.

    Nothing is added to or taken from the text. llama.cpp leaves tokens typed CONTROL unread in text where it is told
    so, but always reads USER_DEFINED ones, which is how some conversions type their controls.
    """

    def __init__(self, controls: Iterable[str]) -> None:
        texts = sorted({re.escape(text) for text in controls if len(text) > 1})
        # A lookahead finds overlapping ones as well: each is cut behind its first character.
        self._pattern = re.compile(f"(?=(?:{'|'.join(texts)}))") if texts else None

    def parts(self, text: str) -> list[str]:
        """Return the parts, in order; joined they are `text`."""
        cuts = [match.start() + 1 for match in self._pattern.finditer(text)] if self._pattern else []
        return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True) if start < end]


def looks_like_control(text: str) -> bool:
    """Tell whether a USER_DEFINED token is markup ("<tool_call>", "[INST]") rather than a word or a run of spaces."""
    return len(text) > 2 and (text[0] + text[-1]) in ("<>", "[]")
