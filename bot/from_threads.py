"""`deskhand eval --from-threads`: the shop's own threads as a file of cases, pseudonymised, for a person to label."""

from __future__ import annotations

import json
import os
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.compose import Overrides, SystemClock, lexicon_book, make_desk
from bot.config import Settings
from bot.conversation.understanding import APOLOGY
from bot.domain.actions import ActionKind
from bot.domain.model import Author, Message
from bot.domain.order_numbers import OrderNumbers, squeeze
from bot.learning.pseudonyms import Pseudonyms
from bot.store.transcripts import Transcript, read_transcripts

HISTORY = 12
_TAKEN = "{} exists already; name another file"
# Under these names no tier understood anything: an open question was answered, or everybody had passed.
_NOT_UNDERSTOOD = ("dialogue", APOLOGY)


async def write_cases(settings: Settings, out: Path, days: int, limit: int) -> tuple[int, int]:
    """Write the customers' messages of the last days; return how many they are, and how many have a guess.

    Raises:
        ValueError: the file exists already, or there is no message.
        StoreError: the database cannot be read.
    """
    _must_be_new(out)
    since = SystemClock().now() - timedelta(days=days)
    transcripts = read_transcripts(settings.database.url, since, limit, HISTORY)
    if not transcripts:
        raise ValueError(f"no customer wrote anything in the last {days} days; nothing was written")
    desk = make_desk(settings, Overrides())
    try:
        numbers = OrderNumbers(desk.number_shapes)
    finally:
        await desk.close()
    cases = list(_cases(transcripts, Pseudonyms(secrets.token_bytes(32), numbers.find)))
    _write(out, "".join(json.dumps(case, ensure_ascii=False) + "\n" for case in cases))
    return len(cases), sum(case["action"] is not None for case in cases)


def _cases(transcripts: Sequence[Transcript], pseudonyms: Pseudonyms) -> Iterator[dict[str, Any]]:
    rewriting = _rewriting(transcripts, pseudonyms)
    for number, one in enumerate(transcripts, 1):
        rewrite, (action, order_id) = rewriting[one.thread_id], _guess(one)
        yield {
            "id": number,
            "lang": lexicon_book().detect(one.message.text) or one.language,
            "history": [{"role": _role(said), "text": rewrite(said.text)} for said in one.history],
            "text": rewrite(one.message.text),
            "action": action,
            "order_id": pseudonyms.number(order_id) if order_id else None,
            "tier": one.tier,
        }


def _rewriting(transcripts: Sequence[Transcript], pseudonyms: Pseudonyms) -> dict[int, Callable[[str], str]]:
    threads: defaultdict[int, list[Transcript]] = defaultdict(list)
    for one in transcripts:
        threads[one.thread_id].append(one)
    return {
        thread: pseudonyms.of_thread(
            ones[0].names,
            # Each message stands in many histories.
            dict.fromkeys(said.text for one in ones for said in (*one.history, one.message)),
            [order_id for one in ones if (order_id := _guess(one)[1])],
        )
        for thread, ones in threads.items()
    }


def _role(said: Message) -> str:
    return "user" if said.author is Author.CUSTOMER else "assistant"


def _guess(one: Transcript) -> tuple[str | None, str | None]:
    """Return the action that the bot understood, and its order number where the conversation shows it.

    The number that a turn leaves may come from the order system, and that no tier could have known.
    """
    if one.action is None or one.tier in _NOT_UNDERSTOOD or one.action.get("action") not in set(ActionKind):
        return None, None
    order_id = str(one.action.get("order_id") or "")
    said = squeeze(" ".join(said.text for said in (*one.history, one.message)))
    return one.action["action"], order_id if squeeze(order_id) and squeeze(order_id) in said else None


def _must_be_new(out: Path) -> None:
    if os.path.lexists(out):
        raise ValueError(_TAKEN.format(out))


def _write(out: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    try:
        handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ValueError(_TAKEN.format(out)) from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError:
        with suppress(OSError):
            out.unlink()
        raise
