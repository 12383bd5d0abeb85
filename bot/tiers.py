"""From the configured tiers to models. Each kind is imported only when it is used."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bot.config import Settings, TierSettings
from bot.conversation.prompt import PromptBuilder
from bot.conversation.understanding import ModelTier, TimedTier
from bot.domain.actions import ActionKind
from bot.domain.language import LexiconBook
from bot.domain.order_numbers import OrderNumbers
from bot.domain.ports import LanguageModel, Tier
from bot.inference.embedded import SHIPPED, EmbeddedTier, temperature_of
from bot.inference.models.hashes import EMBEDDED_SHA256
from bot.inference.order_choice import OrderChoice
from bot.inference.settings import EngineSettings, KvType
from bot.learning.shop_files import models_folder

if TYPE_CHECKING:
    from bot.inference.classifier import ClassifierTier
    from bot.inference.local_model import LlamaModel

MIN_CONFIDENCE = {
    "classifier": {
        ActionKind.QUERY_ORDER: 0.6,
        ActionKind.CANCEL_ORDER: 0.9,
        ActionKind.RETURN_APPLY: 0.9,
        ActionKind.HANDOFF: 0.6,
        ActionKind.UNKNOWN: 0.6,
    },
    "llama": {
        ActionKind.QUERY_ORDER: 0.45,
        ActionKind.CANCEL_ORDER: 0.85,
        ActionKind.RETURN_APPLY: 0.85,
        ActionKind.HANDOFF: 0.5,
        ActionKind.UNKNOWN: 0.4,
    },
}
"""How sure the classifier must be alone, and the embedded model together with it. Chosen on phrases that they did not
learn from, by cost: a wrong write costs far more than a question."""

ASK_ANYWAY = 1.01
REMOTE_SHARE = 0.95
"""How much of its tier's time a server has: were it cut off by the tier, it would not be known to be slow."""

EMBEDDED = "embedded"
"""What a llama tier's `model` is called where the one that ships is meant."""

# It is so small that a second thread would only wait for the first; and it goes on from nobody's cells.
EMBEDDED_SETTINGS = EngineSettings(threads=1, context_tokens=1024, cells=4096, queue=256)


def make_model(tier: TierSettings) -> LanguageModel | None:
    """Build a tier's language model; the classifier and the rules have none."""
    if tier.kind == "llama":
        return _llama(tier)
    if tier.kind == "remote":
        from bot.inference.remote import RemoteModel

        return RemoteModel(
            tier.name,
            tier.base_url,
            tier.model,
            api_key=tier.api_key.get_secret_value() or None,
            context_tokens=tier.context_tokens,
            timeout_s=tier.timeout_s * REMOTE_SHARE,
            max_concurrent=tier.max_concurrent,
        )
    return None


def _llama(tier: TierSettings) -> LlamaModel:
    from bot.inference.local_model import LlamaModel

    if tier.model == EMBEDDED:
        return LlamaModel(tier.name, SHIPPED, settings=EMBEDDED_SETTINGS, sha256=EMBEDDED_SHA256)
    return LlamaModel(tier.name, Path(tier.model), settings=engine_settings(tier))


def engine_settings(tier: TierSettings) -> EngineSettings:
    """Return how a llama tier's engine is run."""
    return EngineSettings(
        threads=tier.threads,
        context_tokens=tier.context_tokens,
        cells=tier.cells,
        batch=tier.batch,
        micro_batch=tier.micro_batch,
        n_gpu_layers=tier.n_gpu_layers,
        kv_type=None if tier.kv_type == "auto" else KvType(tier.kv_type),
        mlock=tier.mlock,
        queue=tier.queue,
    )


def make_tiers(
    settings: Settings, book: LexiconBook, numbers: OrderNumbers
) -> tuple[list[TimedTier], list[LanguageModel]]:
    """Build all tiers in order, and name the models among them."""
    prompts = PromptBuilder(settings.shop.name, numbers.find, settings.understanding.history_tokens)
    tiers: list[TimedTier] = []
    models: list[LanguageModel] = []
    for tier in settings.understanding.tiers:
        if embedded := make_embedded(tier, book, numbers):
            models.append(embedded.model)
            tiers.append(TimedTier(embedded, tier.timeout_s, minimum_of(tier, settings)))
        elif model := make_model(tier):
            models.append(model)
            tiers.append(TimedTier(ModelTier(model, prompts), tier.timeout_s, tier.min_confidence))
        elif tier.kind == "classifier":
            classifier = make_classifier(settings, tier, book, numbers)
            tiers.append(TimedTier(classifier, tier.timeout_s, minimum_of(tier, settings)))
        else:
            tiers.append(TimedTier(_rules(tier, book), tier.timeout_s, tier.min_confidence))
    return tiers, models


def minimum_of(tier: TierSettings, settings: Settings) -> Mapping[ActionKind, float]:
    """Return how sure a tier that weighs the actions must be; small talk is left to a tier that writes texts."""
    talks = any(has_words(other) for other in settings.understanding.tiers)
    small_talk = {ActionKind.UNKNOWN: ASK_ANYWAY} if talks else {}
    return {**MIN_CONFIDENCE[tier.kind], **small_talk, **tier.min_confidence}


def has_words(tier: TierSettings) -> bool:
    """Whether a tier's model writes texts of its own: any language model but an embedded one."""
    return tier.kind in ("llama", "remote") and _temperature(tier) is None


def _temperature(tier: TierSettings) -> float | None:
    """Return the temperature of a tier's embedded model, the one that ships or a file; None for any other tier."""
    if tier.kind != "llama":
        return None
    if tier.model == EMBEDDED:
        # If it cannot be read, that is reported like any other model's trouble: when it is loaded, and by `check`.
        return temperature_of(SHIPPED) or 1.0
    return temperature_of(Path(tier.model))


def make_embedded(tier: TierSettings, book: LexiconBook, numbers: OrderNumbers) -> EmbeddedTier | None:
    """Build the tier of an embedded model; None for any other tier."""
    heat = _temperature(tier)
    return EmbeddedTier(_llama(tier), OrderChoice(book, numbers), numbers, heat) if heat is not None else None


def make_classifier(settings: Settings, tier: TierSettings, book: LexiconBook, numbers: OrderNumbers) -> ClassifierTier:
    """Build the embedded classifier: the shop's own, where `deskhand train` made one, else the one that ships."""
    from bot.inference.classifier import ClassifierTier, in_use

    path, sha256 = in_use(models_folder(settings.database.url))
    return ClassifierTier(book, numbers, name=tier.name, path=path, sha256=sha256)


def _rules(tier: TierSettings, book: LexiconBook) -> Tier:
    from bot.inference.rules import RulesTier

    return RulesTier(book, name=tier.name)
