"""What the value of a single setting has to be, beyond its type; and which values must never be seen."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from bot.config_problems import Wrong


class Table(BaseModel):
    """A table of settings: nothing unknown in it, and no value of another type than its own."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)


# --- what TOML and JSON cannot say ------------------------------------------


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _path(value: Any) -> Any:
    return Path(value) if isinstance(value, str) and value else value


def _path_or_none(value: Any) -> Any:
    return None if value == "" else _path(value)


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


AsTuple = BeforeValidator(_tuple)
AsUpper = BeforeValidator(_upper)
AsPath = Annotated[Path, BeforeValidator(_path)]
AsPathOrNone = Annotated[Path | None, BeforeValidator(_path_or_none)]

# --- what they have to look like --------------------------------------------


def _matching(pattern: str, what: str, remedy: str) -> AfterValidator:
    def check(value: str | SecretStr) -> str | SecretStr:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if not re.fullmatch(pattern, text):
            raise Wrong(what, remedy)
        return value

    return AfterValidator(check)


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if value and (not good or re.search(r"\s", value)):
        raise Wrong("is not an address", 'Write it with its scheme, such as "https://example.com"')
    return value.rstrip("/")


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ValueError, OSError, LookupError):  # Each stands for some wrong name: "../x", "Europe", "Mars/Base".
        raise Wrong("is not a time zone", 'Use a name of the IANA list, such as "Europe/Berlin" or "UTC"') from None
    return value


def _no_secret_missing(value: SecretStr) -> SecretStr:
    if not value.get_secret_value():
        variable = "DESKHAND_TELEGRAM__TOKEN"
        raise Wrong("is missing", f"Ask @BotFather for one; it may also come as {variable}, or from a {variable}_FILE")
    return value


Text = Annotated[str, Field(min_length=1)]
OptionalUrl = Annotated[str, AfterValidator(_url)]
Url = Annotated[Text, AfterValidator(_url)]
Timezone = Annotated[str, AfterValidator(_timezone)]
DatabaseUrl = Annotated[
    str,
    _matching(
        r"sqlite\+aiosqlite://\S*",
        "is not a database that Deskhand can use",
        "Write sqlite+aiosqlite:/// and the path of the file",
    ),
]
TierName = Annotated[
    str,
    _matching(
        r"(?!faq$)([A-Za-z0-9][A-Za-z0-9._:-]{0,63})?",
        "is not a name for a tier",
        'Use letters, digits and "._:-"; "faq" is the first tier, which is always there',
    ),
]
Language = Annotated[
    str, _matching(r"[a-z]{2}", "is not a language's two-letter code", 'Write it such as "en", "es" or "zh"')
]
Region = Annotated[
    str, _matching(r"([A-Z]{2})?", "is not a country's two-letter code", 'Write it such as "DE", or leave it empty')
]
Token = Annotated[
    SecretStr,
    _matching(r"[A-Za-z0-9:_-]*", "is not a bot token", "Copy it whole from @BotFather, and nothing else"),
    AfterValidator(_no_secret_missing),
]
WebhookSecret = Annotated[
    SecretStr,
    _matching(r"[A-Za-z0-9_-]{0,256}", "is not what Telegram takes", "Use 1 to 256 of A-Z, a-z, 0-9, _ and -"),
]
Username = Annotated[
    str,
    _matching(
        r"([A-Za-z][A-Za-z0-9_]{3,31})?", "is not a bot's name", 'Write it as in t.me/my_shop_bot: "my_shop_bot"'
    ),
]
ApprovalRule = Annotated[
    str,
    _matching(
        r"always|never|above [0-9]{1,9}(\.[0-9]{1,3})? [A-Z]{3}",
        "is no rule for approvals",
        'Write "always", "never", or "above" with an amount and its currency, such as "above 100 EUR"',
    ),
]
ApiKey = Annotated[
    SecretStr, _matching(r"[!-~]+", "is empty, or not plain ASCII without spaces", "Use letters, digits and signs")
]

# --- what must not be seen --------------------------------------------------

MASK = "***"
_SECRET_NAME = re.compile(r"key|token|secret|passw|credential", re.IGNORECASE)
_PASSWORD_IN_URL = re.compile(r"(?<=://)([^:/@\s]*):(\S+)@")


def without_passwords(value: Any) -> Any:
    """Mask passwords in addresses, in plain JSON values."""
    return _rebuilt(
        value, lambda _, leaf: _PASSWORD_IN_URL.sub(rf"\1:{MASK}@", leaf) if isinstance(leaf, str) else leaf
    )


def without_secrets(options: Any) -> Any:
    """Mask what is called like a secret, in an adapter's own table as plain JSON values."""
    return _rebuilt(options, lambda name, leaf: MASK if _is_secret(name, leaf) else leaf)


def secrets_in(options: Any) -> list[str]:
    """Return what `without_secrets` and `without_passwords` mask."""
    found: list[str] = []

    def collect(name: str, leaf: Any) -> None:
        if _is_secret(name, leaf):
            found.append(str(leaf))
        found.extend(match[2] for match in _PASSWORD_IN_URL.finditer(str(leaf)))

    _rebuilt(options, collect)
    return found


def _is_secret(name: str, leaf: Any) -> bool:
    return bool(_SECRET_NAME.search(name)) and leaf not in ("", None, True, False)


def _rebuilt(value: Any, change: Callable[[str, Any], Any], name: str = "") -> Any:
    if isinstance(value, Mapping):
        return {key: _rebuilt(inside, change, f"{name}.{key}") for key, inside in value.items()}
    if isinstance(value, list | tuple):
        return [_rebuilt(inside, change, name) for inside in value]
    return change(name, value)
