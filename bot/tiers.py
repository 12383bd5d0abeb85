"""From the configured tiers to models. Each kind is imported only when it is used."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bot.config import Settings, TierSettings
from bot.conversation.prompt import PromptBuilder
from bot.conversation.understanding import ModelTier, TimedTier
from bot.domain.actions import ActionKind
from bot.domain.language import LexiconBook
from bot.domain.order_numbers import OrderNumbers
from bot.domain.ports import LanguageModel, Tier
from bot.learning.shop_files import models_folder

if TYPE_CHECKING:
    from bot.inference.classifier import ClassifierTier

MIN_CONFIDENCE = {
    ActionKind.QUERY_ORDER: 0.45,
    ActionKind.CANCEL_ORDER: 0.8,
    ActionKind.RETURN_APPLY: 0.8,
    ActionKind.HANDOFF: 0.5,
    ActionKind.UNKNOWN: 0.4,
}
"""How sure the classifier must be, chosen on phrases that it did not learn from: a wrong write costs far more."""

ASK_ANYWAY = 1.01


def make_model(tier: TierSettings) -> LanguageModel | None:
    """Build a tier's language model; the classifier and the rules have none."""
    if tier.kind == "llama":
        from bot.inference.llama import LlamaModel

        return LlamaModel(tier.name, Path(tier.model), context_tokens=tier.context_tokens, threads=tier.threads or None)
    if tier.kind == "remote":
        from bot.inference.remote import RemoteModel

        key = tier.api_key.get_secret_value() or None
        return RemoteModel(tier.name, tier.base_url, tier.model, api_key=key, context_tokens=tier.context_tokens)
    return None


def make_tiers(
    settings: Settings, book: LexiconBook, numbers: OrderNumbers
) -> tuple[list[TimedTier], list[LanguageModel]]:
    """Build all tiers in order, and name the models among them."""
    prompts = PromptBuilder(settings.shop.name, numbers.find, settings.understanding.history_tokens)
    tiers: list[TimedTier] = []
    models: list[LanguageModel] = []
    for tier in settings.understanding.tiers:
        model = make_model(tier)
        if model is not None:
            models.append(model)
            tiers.append(TimedTier(ModelTier(model, prompts), tier.timeout_s))
        elif tier.kind == "classifier":
            tiers.append(TimedTier(make_classifier(settings, tier, book, numbers), tier.timeout_s))
        else:
            tiers.append(TimedTier(_rules(tier, book), tier.timeout_s))
    return tiers, models


def make_classifier(settings: Settings, tier: TierSettings, book: LexiconBook, numbers: OrderNumbers) -> ClassifierTier:
    """Build the embedded classifier: the shop's own, where `deskhand train` made one, else the one that ships.

    Where a tier writes texts, small talk is left to it, with the classifier's opinion.
    """
    from bot.inference.classifier import ClassifierTier, in_use

    path, sha256 = in_use(models_folder(settings.database.url))
    has_words = any(other.kind in ("llama", "remote") for other in settings.understanding.tiers)
    small_talk = {ActionKind.UNKNOWN: ASK_ANYWAY} if has_words else {}
    minimum = {**MIN_CONFIDENCE, **small_talk, **tier.min_confidence}
    return ClassifierTier(book, numbers, minimum, name=tier.name, path=path, sha256=sha256)


def _rules(tier: TierSettings, book: LexiconBook) -> Tier:
    from bot.inference.rules import RulesTier

    return RulesTier(book, name=tier.name)
