"""A model that is loaded, with its engine: prompts become sequences here. It belongs to the engine's thread."""

from __future__ import annotations

import codecs
import logging
import threading
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from pathlib import Path

from bot.domain.actions import Written
from bot.domain.ports import ChatMessage, Completion
from bot.errors import PassReason, TierPassed
from bot.inference import prefix_file
from bot.inference.catalogue import file_sha256, recorded_sha256
from bot.inference.cells import PREFIX_SEAT, Cells
from bot.inference.choices import Choices, beginnings
from bot.inference.constraint import Constraint
from bot.inference.engine import Engine, Stats
from bot.inference.llama import SEATS, DecodeFailed, LlamaContext
from bot.inference.sequence import Sequence as Answer
from bot.inference.settings import EngineSettings
from bot.inference.writers import JsonWriter, TextWriter, Weigher

log = logging.getLogger(__name__)
_REMEMBERED = 64
"""How many schemas' beginnings are kept tokenised."""


class LoadedModel:
    """One model.

    Args:
        sha256: of the file, where it is known; else what stands beside it counts.
        stats: where the engine counts what it does.

    Raises:
        OSError, ValueError, ImportError, MemoryError: it cannot be loaded; the message says why.
    """

    def __init__(self, path: Path, settings: EngineSettings, sha256: str, stats: Stats) -> None:
        wanted = sha256 or recorded_sha256(path)
        if wanted and file_sha256(path) != wanted:
            raise ValueError("its SHA-256 is not the one on record; it was changed or cut off")
        self._path, self._in_use, self._known = path, threading.Lock(), prefix_file.Known.of(path, wanted)
        self._context: LlamaContext | None = LlamaContext(path, settings)
        self.settings = self._context.settings
        self._constraint: Constraint | None = Constraint(self._context.vocabulary.address)
        self.prompter = self._context.prompter
        cells = Cells(self._context, self.settings.cells, SEATS)
        self.engine = Engine(self._context, cells, self.settings.batch, stats)
        self._rows = lru_cache(_REMEMBERED)(self._tokenised)
        self._prefix: tuple[int, ...] = ()
        self._systems: dict[str, tuple[int, ...]] = {}

    def close(self) -> None:
        """Free everything native; the object is of no use afterwards."""
        with self._in_use:
            context, self._context = self._context, None
            constraint, self._constraint = self._constraint, None
            if constraint is not None:
                constraint.close()  # It reads the model's vocabulary.
            if context is not None:
                context.close()

    def settle(self) -> None:
        """Build what only some answers need, now that nobody waits."""
        if self._constraint is not None:
            self._constraint.build()

    def count_tokens(self, text: str) -> int:
        """Return how many tokens a customer's text takes; any thread may ask."""
        with self._in_use:
            if self._context is None:
                raise TierPassed(PassReason.UNAVAILABLE, "it is shut down")
            return len(self.prompter.text(text))

    # --- what is asked becomes a sequence ---

    def json(self, request: Completion) -> Answer:
        """Return the sequence that writes JSON to a schema.

        Raises:
            TierPassed, ValueError: it cannot.
        """
        assert self._constraint is not None
        prompt = self._prompt(request.messages)
        limit = min(request.max_tokens, self.settings.context_tokens - len(prompt))
        grammar = partial(self._constraint.matcher, request.schema)
        choices = Choices(self._rows(tuple(beginnings(request.schema))))
        writer = JsonWriter(grammar, limit, choices)
        if (tell := request.tell) is not None:
            writer = JsonWriter(grammar, limit, choices, lambda said: tell(self._text(said)))
        return Answer(prompt, writer, request.thread, limit)

    def _tokenised(self, texts: tuple[str, ...]) -> dict[tuple[int, ...], bool]:
        return {tuple(self.prompter.text(text)): text.endswith("}") for text in texts}

    def json_of(self, answer: Answer) -> Written:
        """Return what a sequence of `json` wrote, with how likely its first choice was: the action."""
        assert isinstance(answer.writer, JsonWriter)
        return Written(self._text(answer.writer.said), answer.writer.confidence)

    def _text(self, tokens: Sequence[int]) -> str:
        """Return what tokens say; of a letter that is not whole yet, nothing."""
        assert self._context is not None
        written = b"".join(map(self._context.vocabulary.bytes_of, tokens))
        return codecs.getincrementaldecoder("utf-8")("replace").decode(written)

    def weighing(self, messages: Sequence[ChatMessage], answers: Sequence[str]) -> Answer:
        """Return the sequence that weighs answers against each other."""
        writer = Weigher([self.prompter.text(answer) for answer in answers])
        return Answer(self._prompt(messages), writer, most=len(writer.begin()))

    def weights_of(self, answer: Answer) -> list[float]:
        """Return what a sequence of `weighing` found."""
        assert isinstance(answer.writer, Weigher)
        return answer.writer.weights

    def text(
        self, messages: Sequence[ChatMessage], max_tokens: int, thread: str, tell: Callable[[str], None]
    ) -> Answer:
        """Return the sequence that writes a free text."""
        assert self._context is not None
        prompt, vocabulary = self._prompt(messages), self._context.vocabulary
        limit = min(max_tokens, self.settings.context_tokens - len(prompt))
        return Answer(prompt, TextWriter(vocabulary.bytes_of, vocabulary.ends, limit, tell), thread, limit)

    def _prompt(self, messages: Sequence[ChatMessage]) -> list[int]:
        """Return the tokens of a conversation."""
        if messages and messages[0].role == "system":
            self.begin_with(messages[0])
        try:
            prompt = self.prompter.prompt(messages)
        except ValueError as error:
            raise TierPassed(PassReason.BROKEN, str(error)) from error
        if len(prompt) >= self.settings.context_tokens:
            detail = f"the prompt takes {len(prompt)} of {self.settings.context_tokens} tokens"
            raise TierPassed(PassReason.INVALID, detail)
        return prompt

    # --- what all prompts begin with ---

    def begin_with(self, system: ChatMessage) -> None:
        """Have what comes up to the first customer's words read once for all, as soon as nothing else runs."""
        if system.content not in self._systems:
            self._systems = {system.content: self._beginning(system)}
        self._prefix = self._systems[system.content]
        if self.engine.is_idle:
            self.prepare()

    def prepare(self) -> None:
        """Read the prefix, or take it from the disk, unless it is there; nothing may be running."""
        if self._prefix == self.engine.cells.prefix:
            return
        assert self._context is not None
        kept = prefix_file.path_of(self._path)
        told = f"{self.settings.kv_type} {self.settings.n_gpu_layers}"
        key = prefix_file.key_of(self._context.build, told, self._prefix)
        self.engine.cells.take_prefix_away()
        if (data := prefix_file.read(kept, key, self._known)) and self._context.load(PREFIX_SEAT, data):
            self.engine.cells.set_prefix(self._prefix)
            return
        self._context.cut(PREFIX_SEAT, 0)
        try:
            self.engine.set_prefix(self._prefix)
        except DecodeFailed as error:
            # Without it every prompt is read from its beginning, which is slow but right.
            log.warning("prefix.failed", extra={"model": self._path.name, "detail": str(error)})
            self.engine.forget()
            self._prefix = ()
        else:
            prefix_file.write(kept, key, self._known, self._context.save(PREFIX_SEAT))

    def _beginning(self, system: ChatMessage) -> tuple[int, ...]:
        """Return the tokens that two conversations share which have nothing but the system's message in common."""
        try:
            one, other = (self.prompter.prompt([system, ChatMessage("user", said)]) for said in ("a", "1"))
        except ValueError:
            return ()  # The prompt itself will say what is wrong.
        count = 0
        while count < min(len(one), len(other)) and one[count] == other[count]:
            count += 1
        return tuple(one[:count]) if count < self.settings.context_tokens // 2 else ()
