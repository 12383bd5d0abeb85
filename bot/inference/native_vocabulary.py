"""A loaded model's vocabulary: how llama.cpp tokenises, and which tokens control it.

It is handed the library, so that only `llama.py` imports it.
"""

from __future__ import annotations

import ctypes
from functools import cached_property
from typing import Any

from bot.inference.prompting import Prompter, looks_like_control, renderers


class NativeVocabulary:
    """Belongs to a model, and must not be used after that was freed.

    Args:
        api: the module llama_cpp.
        model: a model of its.
    """

    def __init__(self, api: Any, model: Any) -> None:
        self._api = api
        self.address = api.llama_model_get_vocab(model)
        self.size: int = api.llama_vocab_n_tokens(self.address)

    def tokenize(self, text: str, controls: bool) -> list[int]:
        """Return the tokens of a text; `controls` tells whether those that it spells count as such.

        Raises:
            ValueError: llama.cpp cannot do it.
        """
        data = text.encode("utf-8", "replace")  # Lone surrogates become '?'.
        room = len(data) + 8
        buffer = (self._api.llama_token * room)()
        count = self._api.llama_tokenize(self.address, data, len(data), buffer, room, False, controls)
        if count < 0:
            raise ValueError("a text cannot be tokenised")
        return list(buffer[:count])

    def prompter(self, template: str | None) -> Prompter:
        """Return what makes prompts by the model's own chat template, where it has one."""
        api = self._api
        bos, eos = api.llama_vocab_bos(self.address), api.llama_vocab_eos(self.address)
        renders = renderers(template, self.text_of(bos), self.text_of(eos))
        first = bos if api.llama_vocab_get_add_bos(self.address) else None
        return Prompter(self.tokenize, renders, self.controls(), first)

    def controls(self) -> list[str]:
        """Return the texts of the tokens that are no text."""
        api, found = self._api, []
        for token in range(self.size):
            kind = api.llama_vocab_get_attr(self.address, token)
            if kind & (api.LLAMA_TOKEN_ATTR_CONTROL | api.LLAMA_TOKEN_ATTR_USER_DEFINED):
                text = self.text_of(token)
                if kind & api.LLAMA_TOKEN_ATTR_CONTROL or looks_like_control(text):
                    found.append(text)
        return found

    def bytes_of(self, token: int) -> bytes:
        """Return what a token adds to a text; b"" for a control."""
        room = 64
        while True:
            buffer = (ctypes.c_char * room)()
            count = self._api.llama_token_to_piece(self.address, token, buffer, room, 0, False)
            if count >= 0:
                return buffer.raw[:count]
            room = -count

    @cached_property
    def ends(self) -> frozenset[int]:
        """Return the tokens that end an answer."""
        return frozenset(token for token in range(self.size) if self._api.llama_vocab_is_eog(self.address, token))

    def text_of(self, token: int) -> str:
        """Return a token's own text; "" for none."""
        text = self._api.llama_vocab_get_text(self.address, token) if token >= 0 else None
        return text.decode("utf-8", "replace") if text else ""
