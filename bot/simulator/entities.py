"""Telegram's text: HTML into entities, clean-up, and lengths in UTF-16 units."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bot.simulator.params import bad_request

Entity = dict[str, Any]

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
RAW_LIMIT = 32_768
_TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
}
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_TOKEN = re.compile(r"<(/?)([^\s<>]*)([^<>]*)(>?)|&(#\d{1,8}|#x[0-9a-fA-F]{1,6}|lt|gt|amp|quot);")
_ATTRIBUTE = re.compile(r"""([a-zA-Z-]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+))?""")
# Telegram blanks control characters and drops carriage returns and direction overrides in what bots send.
_BLANKED = dict.fromkeys((*range(10), 11, 12, *range(14, 32)), " ")
_CLEAN: dict[int, str | None] = {**_BLANKED, **dict.fromkeys((13, *range(0x2028, 0x202F)))}
_CLEAN_NEEDED = re.compile("[\x00-\x09\x0b-\x1f\u2028-\u202e]")
_DETECTED = (
    ("bot_command", re.compile(r"(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/<>])")),
    ("url", re.compile(r"(?<![\w@])https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]")),
    ("email", re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
    ("mention", re.compile(r"(?<![\w@.])@[A-Za-z0-9_]{5,32}\b")),
)
_MARKS = re.compile("[/@]|://")


@dataclass(frozen=True, slots=True)
class Formatted:
    """A text as it is shown, with its entities."""

    text: str
    entities: list[Entity] = field(default_factory=list)


def utf16_len(text: str) -> int:
    """Return the length in UTF-16 units, in which Telegram counts."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def format_text(raw: str, parse_mode: str, given: Any, limit: int = TEXT_LIMIT) -> Formatted:
    """Return what Telegram would show of a bot's text, or refuse it as Telegram does."""
    if len(raw.encode()) > RAW_LIMIT:
        raise bad_request("text is too long")
    text, entities = parse_html(raw) if _is_html(parse_mode) else (raw, _given(given))
    if _CLEAN_NEEDED.search(text):
        text, entities = _cleaned(text, entities)
    result = _stripped(text, entities)
    if utf16_len(result.text) > limit:
        raise bad_request("message is too long" if limit == TEXT_LIMIT else "message caption is too long")
    return Formatted(result.text, sorted([*result.entities, *_detected(result)], key=_order))


def detect(text: str) -> list[Entity]:
    """Return the commands, links, addresses and mentions in a plain text."""
    return sorted(_detected(Formatted(text)), key=_order)


def parse_html(source: str) -> tuple[str, list[Entity]]:
    """Parse Telegram's HTML into a text and entities.

    Raises:
        ApiError: 400 "can't parse entities: ...", in Telegram's words, offsets counted in bytes.
    """
    parser = _Html(source)
    parser.parse()
    return "".join(parser.parts), parser.entities


@dataclass(slots=True)
class _Open:
    tag: str
    start: int
    entity: Entity | None


class _Html:
    def __init__(self, source: str) -> None:
        self.source = source
        self.parts: list[str] = []
        self.entities: list[Entity] = []
        self._length = 0
        self._stack: list[_Open] = []

    def parse(self) -> None:
        position = 0
        for token in _TOKEN.finditer(self.source):
            self._add(self.source[position : token.start()])
            position = token.end()
            if token[5] is not None:
                self._add(_NAMED.get(token[5]) or html.unescape(token[0]))
            elif token[1]:
                self._close(token)
            else:
                self._begin(token)
        self._add(self.source[position:])
        if self._stack:
            raise _unparsable(f'Can\'t find end tag corresponding to start tag "{self._stack[-1].tag}"')

    def _add(self, text: str) -> None:
        self.parts.append(text)
        self._length += utf16_len(text)

    def _begin(self, token: re.Match[str]) -> None:
        tag, at = token[2].lower(), self._offset(token)
        if tag not in _TAGS:
            raise _unparsable(f'Unsupported start tag "{tag}" at byte offset {at}')
        if not token[4]:
            raise _unparsable(f'Unclosed start tag "{tag}" at byte offset {at}')
        self._stack.append(_Open(tag, self._length, self._entity(tag, token[3], at)))

    def _entity(self, tag: str, attributes: str, at: int) -> Entity | None:
        given = {name.lower(): html.unescape(value.strip("\"'")) for name, value in _ATTRIBUTE.findall(attributes)}
        entity: Entity = {"type": _TAGS[tag]}
        if tag == "span" and given.get("class") != "tg-spoiler":
            raise _unparsable(f'Tag "span" must have class "tg-spoiler" at byte offset {at}')
        if tag == "a":
            return entity | {"url": given["href"]} if given.get("href") else None
        if tag == "blockquote" and "expandable" in given:
            return {"type": "expandable_blockquote"}
        if tag == "code" and self._stack and self._stack[-1].tag == "pre":
            language = given.get("class", "").removeprefix("language-")
            outer = self._stack[-1].entity
            if language and outer is not None:
                outer["language"] = language
            return None
        return entity

    def _close(self, token: re.Match[str]) -> None:
        at = self._offset(token)
        if not self._stack:
            raise _unparsable(f"Unexpected end tag at byte offset {at}")
        if not token[4]:
            raise _unparsable(f"Unclosed end tag at byte offset {at}")
        opened, tag = self._stack.pop(), token[2].lower()
        if tag and tag != opened.tag:
            raise _unparsable(f'Unmatched end tag at byte offset {at}, expected "</{opened.tag}>", found "</{tag}>"')
        length = self._length - opened.start
        if opened.entity is not None and length:
            self.entities.append(opened.entity | {"offset": opened.start, "length": length})

    def _offset(self, token: re.Match[str]) -> int:
        return len(self.source[: token.start()].encode())


def _is_html(parse_mode: str) -> bool:
    if parse_mode and parse_mode.lower() != "html":
        raise bad_request("unsupported parse_mode: the simulator reads HTML only")
    return bool(parse_mode)


def _unparsable(what: str) -> Exception:
    return bad_request(f"can't parse entities: {what}")


def _given(entities: Any) -> list[Entity]:
    if entities is None:
        return []
    if not isinstance(entities, list):
        raise bad_request("can't parse entities JSON object")
    return [dict(entity) for entity in entities if _well_formed(entity)]


def _well_formed(entity: Any) -> bool:
    if not isinstance(entity, dict) or not isinstance(entity.get("type"), str):
        raise bad_request("can't parse MessageEntity: expected an Object")
    offset, length = entity.get("offset"), entity.get("length")
    return isinstance(offset, int) and isinstance(length, int) and offset >= 0 and length > 0


def _cleaned(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Drop what Telegram drops, one UTF-16 unit each, and move the entities along."""
    gone = _unit_offsets(text, (index for index, char in enumerate(text) if _CLEAN.get(ord(char), "") is None))
    return text.translate(_CLEAN), [_moved(entity, gone) for entity in entities]


def _unit_offsets(text: str, indexes: Iterable[int]) -> list[int]:
    return [utf16_len(text[:index]) for index in indexes]


def _moved(entity: Entity, gone: list[int]) -> Entity:
    start, end = entity["offset"], entity["offset"] + entity["length"]
    before = sum(1 for offset in gone if offset < start)
    within = sum(1 for offset in gone if start <= offset < end)
    return entity | {"offset": start - before, "length": entity["length"] - within}


def _stripped(text: str, entities: list[Entity]) -> Formatted:
    """Trim the text as Telegram does; entities are cut to what is left."""
    shown = text.strip()
    if not entities:
        return Formatted(shown)
    lead = utf16_len(text[: len(text) - len(text.lstrip())])
    length = utf16_len(shown)
    kept = []
    for entity in entities:
        start = max(entity["offset"] - lead, 0)
        end = min(entity["offset"] + entity["length"] - lead, length)
        if end > start:
            kept.append(entity | {"offset": start, "length": end - start})
    return Formatted(shown, kept)


def _detected(formatted: Formatted) -> Iterator[Entity]:
    text = formatted.text
    if not _MARKS.search(text):
        return
    taken = [(entity["offset"], entity["offset"] + entity["length"]) for entity in formatted.entities]
    for kind, pattern in _DETECTED:
        for match in pattern.finditer(text):
            start = utf16_len(text[: match.start()])
            end = start + utf16_len(match[0])
            if all(end <= left or start >= right for left, right in taken):
                taken.append((start, end))
                yield {"type": kind, "offset": start, "length": end - start}


def _order(entity: Entity) -> tuple[int, int]:
    return entity["offset"], -entity["length"]
