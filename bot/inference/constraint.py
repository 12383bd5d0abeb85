"""Hold a model's output to a JSON schema, by llguidance: which tokens may come next, and which must.

The only file that touches llguidance. It knows nothing of llama.cpp but the address of a vocabulary.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from bot.inference.heap import give_back

if TYPE_CHECKING:
    from llguidance import LLMatcher, LLTokenizer

_REMEMBERED = 64
"""How many schemas are kept compiled: they differ by the order numbers of a thread, and most threads have none."""


class ConstraintError(ValueError):
    """The schema cannot be made into a grammar, or a token broke it; the message says which."""


class SchemaMatcher:
    """Follows one output, token by token."""

    def __init__(self, matcher: LLMatcher) -> None:
        self._matcher = matcher
        self._check()

    @property
    def done(self) -> bool:
        """Whether the JSON is complete: nothing may follow."""
        return bool(self._matcher.is_stopped())

    def forced(self) -> list[int]:
        """Return, and take as said, the tokens that can only come next: they need no decoding."""
        tokens = list(self._matcher.compute_ff_tokens())
        if tokens:
            self.accept(tokens)
        return tokens

    def mask(self) -> bytes:
        """Return one bit a token, least significant first: set if it may come next."""
        mask = bytes(self._matcher.compute_bitmask())
        self._check()
        return mask

    def accept(self, tokens: Sequence[int]) -> None:
        """Move on over `tokens`."""
        if tokens:
            self._matcher.consume_tokens(list(tokens))
            self._check()

    def _check(self) -> None:
        if self._matcher.is_error():
            raise ConstraintError(str(self._matcher.get_error()).split("\n", 1)[0])


class Constraint:
    """The trie of one vocabulary, built once (0.7 s for 150,000 tokens), from which matchers are made.

    It is built in a thread of its own, when it is asked for; the first matcher waits for it. It keeps the address of
    the vocabulary: close it before the model is freed.
    """

    def __init__(self, vocabulary: Any) -> None:
        self._vocabulary = vocabulary
        self._builder = ThreadPoolExecutor(max_workers=1, thread_name_prefix="trie")
        self._built: Future[LLTokenizer] | None = None
        self._fresh = lru_cache(_REMEMBERED)(self._compiled)

    def build(self) -> Future[LLTokenizer]:
        """Begin to build the trie, unless it is there; return where it will be."""
        if self._built is None:
            self._built = self._builder.submit(_trie, self._vocabulary)
        return self._built

    def close(self) -> None:
        """Wait until nothing reads the vocabulary any more."""
        self._builder.shutdown()
        self._fresh.cache_clear()

    def matcher(self, schema: Mapping[str, Any]) -> SchemaMatcher:
        """Return a fresh matcher for compact JSON of this schema.

        Raises:
            ConstraintError: the schema says something that llguidance does not know.
        """
        return SchemaMatcher(self._fresh(json.dumps(schema, ensure_ascii=False)).deep_copy())

    def _compiled(self, schema: str) -> LLMatcher:
        from llguidance import LLMatcher

        # Whitespace would be decoded and read by nobody.
        grammar = LLMatcher.grammar_from_json_schema(schema, overrides={"whitespace_flexible": False})
        return LLMatcher(self.build().result(), grammar, log_level=0)


def _trie(vocabulary: Any) -> LLTokenizer:
    from llguidance.llamacpp import lltokenizer_from_vocab  # It brings llama_cpp and numpy.

    # llguidance 1.9 still calls it by its old name, once for each token.
    warnings.filterwarnings("ignore", "llama_token_get_attr is deprecated", DeprecationWarning)
    # Slices would make masks inside of strings a tenth of a millisecond faster, and the building half a second slower.
    trie = lltokenizer_from_vocab(vocabulary, slices=[])
    give_back()
    return trie
