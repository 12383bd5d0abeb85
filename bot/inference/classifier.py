"""The embedded classifier: what a message asks for, in about a millisecond, from a file of one megabyte.

    text ─▶ hashed pieces (features.py) ─▶ linear ─▶ five scores of the text alone
    scores of this text, of the thread's last texts, and a few plain facts ─▶ a small network ─▶ five probabilities

The second step only serves in a thread: it is what knows that "yes" goes on with a cancellation.
"""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.domain.actions import Action, ActionKind
from bot.domain.language import LexiconBook
from bot.domain.model import Author, Message, Query, Understood
from bot.domain.order_numbers import OrderNumbers
from bot.domain.text import NUMBER, fold, tokens
from bot.errors import PassReason, TierPassed
from bot.inference.features import LANGUAGES_READ, ROWS, meant_rows, readable, written_rows
from bot.inference.models.hashes import CLASSIFIER_SHA256
from bot.inference.order_choice import OrderChoice

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Scores = NDArray[np.float32]

log = logging.getLogger(__name__)
SHIPPED = Path(__file__).parent / "models" / "classifier.npz"
KINDS = tuple(ActionKind)
"""The order of the scores."""

CONTEXT_SIZE = 50
_LOOK_BACK = 4
_REMEMBERED = 1024
_CLEAR, _PLAIN = 0.5, 0.93
_ASKING = KINDS.index(ActionKind.UNKNOWN)  # The kinds before it ask for something.
_GREETING = 0.99


def in_use(folder: Path) -> tuple[Path, str]:
    """Return the file of the shop's own model and its hash on record, where there is one, else those of the shipped."""
    own = folder / "classifier.npz"
    recorded = recorded_hash(own)
    return (own, recorded) if recorded else (SHIPPED, CLASSIFIER_SHA256)


def recorded_hash(path: Path) -> str:
    """Return the hash on record beside a model file; "" if either is missing.

    While the file is being changed there are two on record, the new and the former: its own is meant.
    """
    record = path.with_suffix(".sha256")
    if not (path.is_file() and record.is_file()):
        return ""
    hashes = record.read_text("ascii", "replace").split()
    if len(hashes) > 1 and (own := hashlib.sha256(path.read_bytes()).hexdigest()) in hashes:
        return own
    # An empty record is no hash either, and the model that stands beside it is refused.
    return hashes[0] if hashes else "none"


class BadModel(ValueError):
    """The classifier's file is not what it should be; the message says how."""


class Classifier:
    """The model's weights and what is computed with them.

    Args:
        arrays: `table` int8 (ROWS, 5), `scale` (5,), `bias` (5,), `temperature` (), and of the small network
            `w1` (CONTEXT_SIZE, hidden), `b1`, `w2` (hidden, 5), `b2`, `context_temperature` ().
    """

    def __init__(self, arrays: Mapping[str, Any], book: LexiconBook) -> None:
        self._arrays = {name: arrays[name] for name in ("table", "scale", "bias", "temperature")}
        self._context = {name: arrays[name] for name in ("w1", "b1", "w2", "b2", "context_temperature")}
        if self._arrays["table"].shape != (ROWS, len(KINDS)) or self._context["w1"].shape[0] != CONTEXT_SIZE:
            raise BadModel("it was made for another version of Deskhand")
        self._book = book
        self._numbers = OrderNumbers()
        # A thread's last messages are read again at every turn.
        self._remembered = lru_cache(_REMEMBERED)(self._score)
        self._seen = lru_cache(_REMEMBERED)(self._readable)

    @classmethod
    def load(cls, path: Path, sha256: str, book: LexiconBook) -> Classifier:
        """Read a model file.

        Raises:
            BadModel: its hash is not `sha256`, or it holds something else.
            OSError: it cannot be read.
        """
        import numpy as np

        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != sha256:
            raise BadModel(f"{path}: its SHA-256 is not the one on record; it was changed or cut off")
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                return cls(arrays, book)
        except (KeyError, ValueError, EOFError) as error:
            raise BadModel(f"{path}: {error}") from error

    def scores(self, text: str, language: str | None = None) -> Scores:
        """Return the scores of a text alone: float32 of shape (5,), natural logarithms up to a constant."""
        return self._remembered(text, self._book.likely(text, language)[:LANGUAGES_READ])

    def _readable(self, text: str) -> str:
        return readable(text, self._numbers.find(text))

    def _score(self, text: str, codes: Sequence[str]) -> Scores:
        import numpy as np

        seen = self._seen(text)
        table, total = self._arrays["table"], np.zeros(len(KINDS), np.float32)
        for rows in (written_rows(seen), meant_rows(seen, codes, self._book)):
            total += table[rows].sum(axis=0, dtype=np.float32) / np.sqrt(max(1, len(rows)), dtype=np.float32)
        scored: Scores = (total * self._arrays["scale"] + self._arrays["bias"]) / self._arrays["temperature"]
        return scored

    def probabilities(self, text: str, history: Sequence[Message] = (), language: str | None = None) -> Scores:
        """Return how likely each of KINDS is: float32 of shape (5,), which sum to 1."""
        import numpy as np

        alone = softmax(self.scores(text, language))
        # A request that is plain by itself is not to be explained away by what came before.
        if not history or alone[:_ASKING].max() >= _PLAIN:
            return alone
        seen, net = self.context(text, history, language), self._context
        hidden = np.maximum(seen @ net["w1"] + net["b1"], 0)
        return softmax((hidden @ net["w2"] + net["b2"]) / net["context_temperature"])

    # --- the thread ---

    def context(self, text: str, history: Sequence[Message], language: str | None) -> Scores:
        """Return what the small network sees: float32 of shape (CONTEXT_SIZE,)."""
        import numpy as np

        scores = self.scores(text, language)
        customers = [m.text for m in history if m.author is Author.CUSTOMER][-_LOOK_BACK:]
        bots = [m.text for m in history if m.author is not Author.CUSTOMER][-1:]
        last = softmax(self.scores(customers[-1], language)) if customers else np.zeros(len(KINDS), np.float32)
        asked = softmax(self.scores(bots[-1], language)) if bots else np.zeros(len(KINDS), np.float32)
        under_way, facts = self._under_way(customers, language), self._facts(text, language)
        crossed = np.outer(under_way[:3], facts[:5]).ravel()
        parts = (scores / 4, softmax(scores), last, asked, under_way, facts, crossed, under_way[:3] * scores[:3] / 4)
        return np.concatenate(parts).astype(np.float32)

    def _under_way(self, customers: Sequence[str], language: str | None) -> Scores:
        """Return one-hot what the customer's latest clear request about an order was: query, cancel, return, none."""
        import numpy as np

        found = np.zeros(4, np.float32)
        for text in reversed(customers):
            likely = softmax(self.scores(text, language))
            best = int(likely.argmax())
            if KINDS[best].concerns_order and likely[best] >= _CLEAR:
                found[best] = 1
                return found
        found[3] = 1
        return found

    def _facts(self, text: str, language: str | None) -> Scores:
        import numpy as np

        seen = self._seen(text)
        words = tokens(fold(seen))
        count, numbered = len(words), NUMBER in words
        consent = self._book.consent(text, language)
        facts = (
            numbered and count - words.count(NUMBER) <= 4,
            consent is True,
            consent is False,
            count <= 3,
            count <= 8,
            numbered,
            "?" in seen or "؟" in seen,
            count > 20,
        )
        return np.array(facts, np.float32)


def softmax(scores: Scores) -> Scores:
    """Return the probabilities of scores."""
    import numpy as np

    raised = np.exp(scores - scores.max())
    likely: Scores = raised / raised.sum()
    return likely


class ClassifierTier:
    """The classifier as a tier: it says what is likeliest, and how likely."""

    kind = "classifier"

    def __init__(
        self,
        book: LexiconBook,
        numbers: OrderNumbers,
        *,
        name: str = "classifier",
        path: Path = SHIPPED,
        sha256: str = CLASSIFIER_SHA256,
    ) -> None:
        self.name = name
        self._book, self._orders = book, OrderChoice(book, numbers)
        self._path, self._sha256 = path, sha256
        self._model: Classifier | None = None
        self._failure = ""

    async def understand(self, query: Query) -> Understood:
        """Return the likeliest action with its probability, however low.

        Raises:
            TierPassed: UNAVAILABLE when the file is missing or was changed.
        """
        model = self._ready()
        if self._book.greets(query.text, query.language):
            # "Thanks!" asks for nothing, whatever is under way.
            return Understood(Action(ActionKind.UNKNOWN), self.name, confidence=_GREETING)
        likely = dict(zip(KINDS, model.probabilities(query.text, query.history, query.language).tolist(), strict=True))
        best = max(KINDS, key=likely.__getitem__)
        action = Action(best, self._orders.of(best, query))
        return Understood(action, self.name, confidence=likely[best], likely=likely)

    def problem(self) -> str | None:
        """Return what keeps it from answering; None when all is well."""
        try:
            self._ready()
        except TierPassed as passed:
            return passed.detail
        return None

    def _ready(self) -> Classifier:
        if self._model is None and not self._failure:
            try:
                self._model = Classifier.load(self._path, self._sha256, self._book)
            except (OSError, BadModel) as error:
                self._failure = str(error)
                log.warning("model.unavailable", extra={"model": self.name, "detail": self._failure})
        if self._model is None:
            raise TierPassed(PassReason.UNAVAILABLE, self._failure)
        return self._model
