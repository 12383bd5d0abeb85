"""TOML and DESKHAND_* environment in, frozen settings out; every problem is reported at once.

Each class is one table of the file, each field one setting; `config.example.toml` documents them all. Relative paths
are relative to the directory in which Deskhand is started.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import Field, SecretStr, ValidationError

from bot.config_layers import ANY, Kind, Layer, Merged, Shape, from_defaults
from bot.config_problems import Crossing, crossings, explain
from bot.config_salvage import salvaged
from bot.config_sources import (
    from_environment,
    from_file,
    name_adapter_table,
    read_secret_files,
    take_secret_files,
)
from bot.config_tiers import NO_SECRET, UnderstandingSettings
from bot.config_tiers import TierSettings as TierSettings  # noqa: PLC0414 # It is said again: others open only config.
from bot.config_values import (
    ApiKey,
    ApprovalRule,
    AsPath,
    AsPathOrNone,
    AsTuple,
    AsUpper,
    DatabaseUrl,
    Language,
    OptionalUrl,
    Region,
    Table,
    Text,
    Timezone,
    Token,
    Url,
    Username,
    WebhookSecret,
    secrets_in,
    without_passwords,
    without_secrets,
)
from bot.domain.model import OrderStatus, Reason
from bot.errors import ConfigError, Problem

SPOKEN = ("en", "zh", "es", "ru", "de", "fr", "ar", "hi")
PHOTO_FOR = (Reason.DAMAGED, Reason.WRONG_ITEM)
NO_TOKEN = "0:none"  # noqa: S105 (it says that there is none)


class TelegramSettings(Table):
    """How to reach Telegram, and how it reaches the bot."""

    token: Token = Field(default=NO_SECRET, validate_default=True)
    api_base_url: Url = "https://api.telegram.org"
    mode: Literal["polling", "webhook"] = "polling"
    webhook_url: OptionalUrl = ""
    webhook_secret: WebhookSecret = NO_SECRET
    username: Username = ""
    poll_timeout_s: Annotated[int, Field(ge=0, le=50)] = 30


class AdminSettings(Table):
    """Who may use the admins' commands: Telegram user ids."""

    ids: Annotated[tuple[Annotated[int, Field(gt=0, lt=2**53)], ...], AsTuple] = ()


class DatabaseSettings(Table):
    """Where everything is kept."""

    url: DatabaseUrl = "sqlite+aiosqlite:///data/deskhand.db"
    backup_dir: AsPath = Path("data/backups")
    backups_kept: Annotated[int, Field(ge=1, le=1000)] = 7


class FaqSettings(Table):
    """The shop's own answers."""

    file: AsPathOrNone = None
    threshold: Annotated[float, Field(gt=0, le=1)] = 0.82


class OrderSettings(Table):
    """The shop's order system; `options` is the adapter's own table, as written."""

    adapter: Text = "demo"
    timeout_s: Annotated[float, Field(gt=0, le=300)] = 8.0
    options: Mapping[str, Any] = Field(default_factory=dict)


class PolicySettings(Table):
    """What the shop allows, and for how long questions stay open."""

    return_window_days: Annotated[int, Field(ge=0, le=3650)] = 30
    cancellable: Annotated[tuple[Annotated[OrderStatus, Field(strict=False)], ...], AsTuple] = (OrderStatus.PENDING,)
    return_window_days_by_category: Mapping[Text, Annotated[int, Field(ge=0, le=3650)]] = Field(default_factory=dict)
    not_returnable: Annotated[tuple[Text, ...], AsTuple] = ()
    ask_return_reason: bool = True
    ask_cancel_reason: bool = False
    return_photo_for: Annotated[tuple[Annotated[Reason, Field(strict=False)], ...], AsTuple] = PHOTO_FOR
    return_photo_required: bool = False
    approve_cancellations: ApprovalRule = "never"
    approve_returns: ApprovalRule = "never"
    approval_hours: Annotated[int, Field(ge=1, le=8760)] = 24
    confirmation_minutes: Annotated[int, Field(ge=1, le=1440)] = 15
    verification_tries: Annotated[int, Field(ge=1, le=100)] = 5
    verification_window_minutes: Annotated[int, Field(ge=1, le=10_080)] = 60
    binding_days: Annotated[int, Field(ge=0, le=3650)] = 90
    takeover_minutes: Annotated[int, Field(ge=1, le=100_000)] = 720


class WebSettings(Table):
    """The REST API, the health checks, and the webhook."""

    host: Text = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    api_keys: Annotated[tuple[ApiKey, ...], AsTuple] = ()


class ShopSettings(Table):
    """The shop, as its customers see it."""

    name: Text = "My shop"
    languages: Annotated[tuple[Language, ...], AsTuple, Field(min_length=1)] = SPOKEN
    facts: str = ""
    timezone: Timezone = "UTC"
    phone_region: Region = ""


class LogSettings(Table):
    """What is written to stderr."""

    level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], AsUpper] = "INFO"
    format: Literal["json", "text"] = "json"


class Settings(Table):
    """All settings; `load` makes them."""

    telegram: TelegramSettings
    admins: AdminSettings
    database: DatabaseSettings
    understanding: UnderstandingSettings
    faq: FaqSettings
    orders: OrderSettings
    policy: PolicySettings
    web: WebSettings
    shop: ShopSettings
    log: LogSettings

    def secrets(self) -> Sequence[str]:
        """Return every secret that is set, for the logs to leave out."""
        telegram, tiers = self.telegram, self.understanding.tiers
        held = [telegram.token, telegram.webhook_secret, *self.web.api_keys, *(tier.api_key for tier in tiers)]
        found = {secret.get_secret_value() for secret in held}
        addresses = [self.database.url, telegram.api_base_url, *(tier.base_url for tier in tiers)]
        return sorted(found.union(secrets_in(addresses), secrets_in(self.orders.options)) - {""})

    def public_dict(self) -> dict[str, Any]:
        """Return the settings as plain JSON values, with every secret masked."""
        plain = self.model_dump(mode="json")  # pydantic masks the secrets it knows.
        plain["orders"]["options"] = without_secrets(plain["orders"]["options"])
        public: dict[str, Any] = without_passwords(plain)
        return public


# --- loading ----------------------------------------------------------------


def load(path: Path | None, environ: Mapping[str, str], *, defaults: Mapping[str, Any] | None = None) -> Settings:
    """Read the settings: the environment over the file over `defaults` over the defaults above.

    Args:
        path: a TOML file; None for none.
        environ: only variables that begin with DESKHAND_ are looked at.
        defaults: tables, as the file would hold them.

    Raises:
        ConfigError: with every problem, in the order of their places.
    """
    settings, merged = _read(path, environ, defaults or {})
    if settings is None or merged.findings:
        raise ConfigError(_problems(merged))
    return settings


def load_leniently(path: Path | None, environ: Mapping[str, str]) -> tuple[Settings | None, Sequence[Problem]]:
    """Read the settings as far as they can be read, so that `deskhand check` can look at the rest as well.

    Returns:
        The settings with defaults in the place of what is wrong (None if nothing can be made of them), and every
        problem. A missing token is `NO_TOKEN`.
    """
    settings, merged = _read(path, environ, {})
    if settings is None:
        values = {section: {} for section in Settings.model_fields} | merged.values
        settings = salvaged(Settings, values, stand_ins={("telegram", "token"): NO_TOKEN})
    return settings, _problems(merged)


def _problems(merged: Merged) -> list[Problem]:
    return [finding.problem for finding in sorted(merged.findings)]


def _read(path: Path | None, environ: Mapping[str, str], defaults: Mapping[str, Any]) -> tuple[Settings | None, Merged]:
    layers = [from_defaults(defaults)] + ([from_file(path)] if path is not None else [])
    adapter = _adapter(layers, environ)
    shape = {**settings_shape(), ("orders", adapter): Kind.VALUE}
    layers.append(from_environment(environ, shape, adapter))
    for layer in layers:
        name_adapter_table(layer, adapter)
        take_secret_files(layer, shape)
    merged = Merged(layers)
    read_secret_files(merged, shape)
    return _validated(merged, shape), merged


def settings_shape() -> Shape:
    """Return every setting there is, as drawn by the tables above."""
    shape: dict[tuple[str | int, ...], Kind] = {}
    for section, table in Settings.model_fields.items():
        model = table.annotation
        for key, field in getattr(model, "model_fields", {}).items():
            shape[section, key] = _kind(field.annotation)
    for key, field in TierSettings.model_fields.items():
        shape["understanding", "tiers", ANY, key] = _kind(field.annotation)
    return shape


def _kind(annotation: Any) -> Kind:
    if annotation is SecretStr:
        return Kind.SECRET
    if annotation in (str, Path, Path | None) or get_origin(annotation) is Literal:
        return Kind.TEXT
    return Kind.SECRETS if "SecretStr" in repr(get_args(annotation)) else Kind.VALUE


def _adapter(layers: Sequence[Layer], environ: Mapping[str, str]) -> str:
    """Return the order adapter's name before anything else, because its table is called by it."""
    name: Any = OrderSettings.model_fields["adapter"].default
    for layer in layers:
        orders = layer.values.get("orders")
        name = orders.get("adapter", name) if isinstance(orders, dict) else name
    return str(environ.get("DESKHAND_ORDERS__ADAPTER", name))


def _validated(merged: Merged, shape: Shape) -> Settings | None:
    settings = None
    wrong: list[Crossing] = list(crossings(merged.values))
    try:
        settings = Settings.model_validate({section: {} for section in Settings.model_fields} | merged.values)
    except ValidationError as error:
        wrong += _explained(error, shape)
    for path, what, remedy in wrong:
        if not merged.excuses(path):
            merged.found(path, what, remedy)
    return settings


def _explained(error: ValidationError, shape: Shape) -> Iterator[Crossing]:
    for details in error.errors(include_url=False):
        yield (details["loc"], *explain(details, shape))
