"""The vocabulary as llama.cpp reads it: texts are tokenised for training by the very code that does it in use."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gguf import GGUFWriter, TokenType

from bot.domain.ports import ChatMessage
from bot.inference.embedded import ANSWER, ANSWERS, ASSISTANT, END, TEMPLATE, USER
from bot.inference.native_vocabulary import NativeVocabulary
from bot.inference.writers import parting
from training.embedded.vocabulary import PRE_TOKENIZER, Pair, byte_alphabet

CONTROLS = (END, USER, ASSISTANT, ANSWER)


def token_list(merges: Sequence[Pair]) -> list[str]:
    """Return the texts of all tokens, by number: bytes, merges, controls."""
    return [*byte_alphabet(), *dict.fromkeys("".join(pair) for pair in merges), *CONTROLS]


def write_vocabulary(writer: GGUFWriter, merges: Sequence[Pair]) -> None:
    """Write what llama.cpp needs to tokenise."""
    tokens = token_list(merges)
    plain = len(tokens) - len(CONTROLS)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(PRE_TOKENIZER)
    writer.add_token_list(tokens)
    writer.add_token_types([TokenType.NORMAL] * plain + [TokenType.CONTROL] * len(CONTROLS))
    writer.add_token_merges([" ".join(pair) for pair in merges])
    writer.add_eos_token_id(tokens.index(END))
    writer.add_pad_token_id(tokens.index(END))
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)


class Vocabulary:
    """Tokenises conversations and answers. Free it with `close`."""

    def __init__(self, merges: Sequence[Pair]) -> None:
        import llama_cpp

        self._api: Any = llama_cpp
        self.size = len(token_list(merges))
        self._model = _vocabulary_only(llama_cpp, merges)
        self._native = NativeVocabulary(llama_cpp, self._model)
        # What customers write is broken up here as it is in use.
        self.text = self._native.prompter(TEMPLATE).text
        self._roles = {"user": self._control(USER), "assistant": self._control(ASSISTANT)}
        self._answer = self._control(ANSWER)
        self.end = self._control(END)
        self.controls = frozenset({*self._roles.values(), self._answer, self.end})
        self.answers = [self.text(answer) for answer in ANSWERS]
        shared, self.deciding = parting(self.answers)
        self.forced = len(shared)
        """How many tokens all answers begin with; the next one tells them apart."""
        self.answer_tokens = max(map(len, self.answers))

    def prompt(self, messages: Sequence[ChatMessage]) -> list[int]:
        """Return a conversation up to where the model answers: what TEMPLATE makes of it, without rendering it."""
        tokens: list[int] = []
        for message in messages:
            tokens += [self._roles[message.role], *self.text(message.content)]
        return [*tokens, self._answer]

    def close(self) -> None:
        """Free the native vocabulary."""
        self._api.llama_model_free(self._model)

    def _control(self, text: str) -> int:
        tokens = self._native.tokenize(text, True)
        if len(tokens) != 1:
            raise ValueError(f"{text} is no token")
        return tokens[0]


def _vocabulary_only(api: Any, merges: Sequence[Pair]) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vocabulary.gguf"
        writer = GGUFWriter(path, "qwen2")
        write_vocabulary(writer, merges)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        params = api.llama_model_default_params()
        params.vocab_only = True
        model = api.llama_model_load_from_file(os.fsencode(path), params)
    if not model:
        raise ValueError("llama.cpp does not load the vocabulary")
    return model
