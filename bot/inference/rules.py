"""The tier that needs no model: it knows words, and passes on whatever they do not settle."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.domain.actions import Action, ActionKind
from bot.domain.language import LexiconBook, asks_for_person
from bot.domain.lexicon import Found
from bot.domain.model import Author, Query, Understood
from bot.domain.order_numbers import OrderNumbers
from bot.domain.text import NUMBER, clip, fold, normalise, plain, tokens
from bot.errors import PassReason, TierPassed
from bot.inference.order_choice import RECENT_MESSAGES, OrderChoice
from bot.inference.order_mentions import written_in

_FEW_WORDS = 4
_EXPLAINED = 2
PLAIN, WORDY, ANSWERED, GUESSED = 0.85, 0.7, 0.6, 0.5
"""How sure the rules are: by words that explain the whole message but for two or so, or only part of a longer one; of a
turn that only answers; of words in another language than the likeliest, or with slips of the pen. So often each was
right among 4,600 phrases of the training text (0.84, 0.71, 0.62, 0.48)."""

_MENDED_WORDS = 40

_QUERY, _CANCEL, _RETURN = ActionKind.QUERY_ORDER, ActionKind.CANCEL_ORDER, ActionKind.RETURN_APPLY
_HANDOFF, _UNKNOWN = ActionKind.HANDOFF, ActionKind.UNKNOWN


_Read = tuple[ActionKind, float]
"""What is wanted, and how sure that is."""


class RulesTier:
    """Understands by the words of `bot/locale/words`."""

    kind = "rules"

    def __init__(self, book: LexiconBook, name: str = "rules") -> None:
        self.name = name
        self._book = book
        self._numbers = OrderNumbers()
        self._orders = OrderChoice(book, self._numbers)

    async def understand(self, query: Query) -> Understood:
        """Return what the words plainly say. Raises TierPassed(NO_MATCH) when they do not."""
        found = self.read(query)
        if found is None:
            raise TierPassed(PassReason.NO_MATCH)
        return found

    def read(self, query: Query) -> Understood | None:
        """Return what the words plainly ask for, and how sure that is; None when they do not settle it."""
        read = self._read_message(query)
        if read is None:
            return None
        kind, sure = read
        order_id = self._orders.of(kind, query) if kind.concerns_order else None
        return Understood(Action(kind, order_id), self.name, confidence=sure)

    # --- what is wanted ------------------------------------------------------

    def _read_message(self, query: Query) -> _Read | None:
        text = _readable(query.text)
        candidates = query.candidates or self._numbers.candidates(text, query.history)
        numbers = written_in(text, candidates)
        words = tokens(fold(_masked(text, numbers)))
        if read := self._read_as(query.text, words, query.language):
            return read
        kind = self._follow_up(query, words, bool(numbers))
        return (kind, ANSWERED) if kind else None

    def _read_as(self, text: str, words: Sequence[str], home: str) -> _Read | None:
        """Ask the likely languages one by one, then two mixed, and at last with slips of the pen put right."""
        codes = self._book.likely(text, home)
        for code in codes:
            found = self._read(words, [code])
            if kind := verdict(found):
                sure = PLAIN if found.left <= _EXPLAINED else WORDY
                return kind, sure if code == codes[0] else GUESSED
        if kind := verdict(self._read(words, (codes[0], codes[-1]))):
            return kind, GUESSED
        if len(words) > _MENDED_WORDS:
            return None
        for code in codes[:2]:
            reader = self._book.reader(code)
            mended = reader.mended(words)
            if mended != words and (kind := verdict(_with_number(reader.read(mended), mended))):
                return (kind, GUESSED) if kind is not _UNKNOWN else None
        return None

    def _read(self, words: Sequence[str], codes: Sequence[str]) -> Found:
        found = self._book.reader(codes[0]).read(words)
        for code in codes[1:]:
            found |= self._book.reader(code).read(words)
        return _with_number(found, words)

    def _follow_up(self, query: Query, words: Sequence[str], numbered: bool) -> ActionKind | None:
        """Understand a turn that only answers: a number, a yes, a reason. It goes on with what was under way."""
        found = self._read(words, self._book.likely(query.text, query.language))
        agreed = self._book.consent(query.text)
        if found.has("keep", "other", "exchange", "change", "money", "policy") or agreed is False:
            return None
        bare = numbered and len(words) - words.count(NUMBER) <= _FEW_WORDS
        if not (bare or agreed or (found.has("reason", "that") and found.left <= 2 * _FEW_WORDS)):
            return None
        under_way = self._under_way(query)
        if bare:
            return under_way or _QUERY
        return under_way if under_way and under_way.is_write else None

    def _under_way(self, query: Query) -> ActionKind | None:
        """Return what the customer's last clear message of the thread asked for, when it was about an order."""
        said = [_readable(message.text) for message in query.history if message.author is Author.CUSTOMER]
        for text in reversed(said[-RECENT_MESSAGES:]):
            words = tokens(fold(_masked(text, self._numbers.find(text))))
            if read := self._read_as(text, words, query.language):
                return read[0] if read[0].concerns_order else None
        return None


def verdict(found: Found) -> ActionKind | None:
    """Decide what a set of concepts asks for; None when they do not settle it. The first rule that speaks decides."""
    if found.has("keep"):
        return _UNKNOWN
    if asks_for_person(found):
        return _HANDOFF
    if found.has("other"):
        return _about_other(found)
    for rule in _RULES:
        if kind := rule(found):
            return kind
    return None


def _with_number(found: Found, words: Sequence[str]) -> Found:
    return Found(found.concepts | {"number"}, found.covered, found.left - 1) if NUMBER in words else found


def _about_other(found: Found) -> ActionKind | None:
    """A membership, an appointment, an account: nothing the order desk can do, unless an order is named as well."""
    return None if found.has("order", "number", "ask") else _UNKNOWN


def _cancelling(found: Found) -> ActionKind | None:
    if not found.has("cancel"):
        return None
    if found.has("policy") and not found.has("number"):
        return _UNKNOWN
    return None if found.has("return") else _CANCEL


def _returning(found: Found) -> ActionKind | None:
    if not found.has("return") or found.has("exchange", "cancel"):
        return None
    if found.has("policy") and not found.has("number"):
        return _UNKNOWN
    if found.has("status", "ask"):
        return _QUERY if found.has("number") else None
    return _RETURN


def _done_already(found: Found) -> ActionKind | None:
    if not found.has("cancelled", "returned") or found.has("cancel", "return"):
        return None
    return _QUERY if found.has("number") and _asks(found) else _UNKNOWN


def _refunding(found: Found) -> ActionKind | None:
    if not found.has("refund") or found.has("cancel", "return"):
        return None
    if _asks(found):
        return _QUERY if found.has("number") else _UNKNOWN
    if found.has("policy"):
        return _UNKNOWN
    return _RETURN if found.has("want", "order", "number") and not found.has("exchange") else None


def _pleased(found: Found) -> ActionKind | None:
    """'It has arrived, thank you!' asks for nothing."""
    if not found.has("thanks") or not found.has("arrive"):
        return None
    return None if _asks(found) or found.has("number", "cancel", "return", "refund") else _UNKNOWN


def _asking(found: Found) -> ActionKind | None:
    if not _about_an_order(found) or found.has("cancel", "return", "cancelled", "returned", "refund"):
        return None
    blocked = found.has("presale", "policy", "change", "exchange", "fault")
    if blocked or (found.has("money") and not found.has("number", "ask")):
        return _UNKNOWN if found.has("presale", "policy", "money") else None
    return _QUERY


def _asks(found: Found) -> bool:
    return found.has("where", "when", "status", "late", "ask")


def _about_an_order(found: Found) -> bool:
    """Whether the words ask where an order is, how it stands, when it comes, or say that it does not come."""
    named = found.has("order", "number", "that")
    return (
        found.has("ask", "late")
        or (found.has("where", "status") and (named or found.has("my")))
        or (found.has("when") and (named or found.has("arrive")))
        or (found.has("arrive") and found.has("order", "number"))
    )


def _changing(found: Found) -> ActionKind | None:
    changing = found.has("change", "exchange") and not found.has("cancel", "return")
    return _UNKNOWN if changing and found.has("order", "number", "change") else None


def _small_talk(found: Found) -> ActionKind | None:
    """A greeting, thanks, or a question about rules, and nothing else of weight."""
    if found.has("policy", "presale") and not found.has("cancel", "return", "number"):
        return _UNKNOWN
    if found.has("greeting", "thanks") and found.left == 0 and found.concepts <= _LIGHT:
        return _UNKNOWN
    return None


def _calling(found: Found) -> ActionKind | None:
    """'Agent!' 'Support please': a person is named, and nothing else said."""
    alone = found.has("person") and found.left == 0 and found.concepts <= _LIGHT | {"person"}
    return _HANDOFF if alone else None


_LIGHT = frozenset({"greeting", "thanks", "filler", "want", "my", "that"})
_RULES: tuple[Callable[[Found], ActionKind | None], ...] = (
    _cancelling,
    _returning,
    _done_already,
    _refunding,
    _pleased,
    _asking,
    _changing,
    _small_talk,
    _calling,
)


def _readable(text: str) -> str:
    """Return the text in plain form; it is cut twice, as one sign may stand for eighteen letters."""
    return clip(plain(clip(text)))


def _masked(text: str, numbers: Sequence[str]) -> str:
    """Write NUMBER where an order number stands, so that its letters are not taken for words."""
    text = text.replace(NUMBER, " ")
    for number in numbers:
        text = text.replace(number, f" {NUMBER} ")
    return normalise(text)
