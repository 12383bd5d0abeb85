"""The settings of the tiers that try to understand a message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr

from bot.config_values import AsTuple, OptionalUrl, Table, TierName
from bot.domain.actions import ActionKind

NO_SECRET = SecretStr("")


class TierSettings(Table):
    """One tier of understanding; which settings go with which kind is said in `config_problems.py`.

    `model` is for llama a GGUF file's path, or "embedded" for the one that ships; for remote it is the model's name at
    the server. What follows `max_concurrent`, and `threads`, is how a llama tier's engine is run: see
    `inference/settings.py`; 0 leaves the choice to it.
    """

    kind: Literal["classifier", "llama", "remote", "rules"]
    name: TierName = ""
    model: str = ""
    base_url: OptionalUrl = ""
    api_key: SecretStr = NO_SECRET
    timeout_s: Annotated[float, Field(gt=0, le=600)] = 15.0
    context_tokens: Annotated[int, Field(ge=512, le=1_000_000)] = 4096
    threads: Annotated[int, Field(ge=0, le=256)] = 0
    max_concurrent: Annotated[int, Field(ge=1, le=256)] = 4
    cells: Annotated[int, Field(ge=0, le=4_000_000)] = 0
    batch: Annotated[int, Field(ge=16, le=4096)] = 256
    micro_batch: Annotated[int, Field(ge=0, le=4096)] = 0
    n_gpu_layers: Annotated[int, Field(ge=-1, le=1000)] = -1
    kv_type: Literal["auto", "f16", "q8_0"] = "auto"
    mlock: bool = False
    queue: Annotated[int, Field(ge=0, le=10_000)] = 32
    min_confidence: Mapping[Annotated[ActionKind, Field(strict=False)], Annotated[float, Field(ge=0, le=1)]] = Field(
        default_factory=dict
    )


def _named(value: Any) -> Any:
    """Call a tier without a name by its kind."""
    unnamed = isinstance(value, dict) and value.get("name", "") == "" and isinstance(value.get("kind"), str)
    return {**value, "name": value["kind"]} if unnamed else value


class UnderstandingSettings(Table):
    """The tiers that try to understand a message, in order; the FAQ comes before them all."""

    tiers: Annotated[tuple[Annotated[TierSettings, BeforeValidator(_named)], ...], AsTuple] = (
        TierSettings(kind="classifier", name="classifier"),
        TierSettings(kind="llama", name="embedded", model="embedded"),
        TierSettings(kind="rules", name="rules"),
    )
    history_tokens: Annotated[int, Field(ge=0, le=1_000_000)] = 1200
