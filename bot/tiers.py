"""From the configured tiers to models. Each kind is imported only when it is used."""

from __future__ import annotations

from pathlib import Path

from bot.config import Settings, TierSettings
from bot.conversation.prompt import PromptBuilder
from bot.conversation.understanding import ModelTier, TimedTier
from bot.domain.language import LexiconBook
from bot.domain.order_numbers import OrderNumbers
from bot.domain.ports import LanguageModel


def make_model(tier: TierSettings) -> LanguageModel | None:
    """Build a tier's model; rules have none."""
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
    from bot.inference.rules import RulesTier

    prompts = PromptBuilder(settings.shop.name, numbers.find, settings.understanding.history_tokens)
    tiers: list[TimedTier] = []
    models: list[LanguageModel] = []
    for tier in settings.understanding.tiers:
        model = make_model(tier)
        if model is None:
            tiers.append(TimedTier(RulesTier(book, name=tier.name), tier.timeout_s))
        else:
            models.append(model)
            tiers.append(TimedTier(ModelTier(model, prompts), tier.timeout_s))
    return tiers, models
