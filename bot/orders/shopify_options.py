"""The adapter `shopify`'s table of the configuration: which shop, with which key, and how its order numbers look."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.orders.numbers import plain
from bot.orders.shopify_api import FetchedToken, FixedToken, Token
from bot.orders.shopify_writes import Rules
from bot.orders.web_calls import WebCalls
from bot.orders.web_options import Options

TABLE = "orders.shopify"
OPTIONS = (
    "shop",
    "access_token",
    "client_id",
    "client_secret",
    "api_version",
    "number_prefix",
    "number_suffix",
    "refund",
    "restock",
    "notify",
    "job_s",
    "timeout_s",
)
API_VERSION = "2026-10"
_MAX_DIGITS = 12


class Numbers:
    """The form of a shop's order numbers: digits, and what its settings put before and after them."""

    def __init__(self, prefix: str, suffix: str) -> None:
        self.prefix, self.suffix = prefix, suffix

    @property
    def shapes(self) -> Sequence[str]:
        """Regular expressions of them."""
        digits = rf"\d{{1,{_MAX_DIGITS}}}"
        whole = f"{re.escape(self.prefix)}{digits}{re.escape(self.suffix)}"
        if plain(self.prefix + self.suffix):
            return (whole,)
        # Bare digits may be anything, so they count behind '#' or alone in a message.
        return (whole, rf"\A{digits}\Z", rf"(?<=#){digits}")

    def written(self, number: str) -> str | None:
        """Return a number as Shopify writes it, from any spelling; None for what cannot be one."""
        digits = plain(number).removeprefix(plain(self.prefix)).removesuffix(plain(self.suffix))
        if not digits.isdecimal() or len(digits) > _MAX_DIGITS:
            return None
        return f"{self.prefix}{digits}{self.suffix}"


def address_in(table: Options) -> str:
    """Return the shop's address: a name at myshopify.com, or one of this machine for trying things out."""
    shop = table.text("shop").lower().removeprefix("https://").rstrip("/")
    if re.fullmatch(r"[a-z0-9][a-z0-9-]*\.myshopify\.com", shop):
        return f"https://{shop}"
    if shop.startswith("http://"):
        return table.web_address("shop")
    raise table.wrong("shop", 'must be the shop\'s name at Shopify, such as "my-shop.myshopify.com"')


def token_in(table: Options, calls: WebCalls) -> Token:
    """Return the access token, or what fetches it with the app's id and secret."""
    fixed, secret = table.secret("access_token"), table.secret("client_secret")
    if fixed is not None and secret is None:
        return FixedToken(fixed)
    if fixed is None and secret is not None:
        return FetchedToken(calls, table.text("client_id"), secret)
    raise table.wrong("access_token", "or client_id and client_secret must be given, and not both")


def version_in(table: Options) -> str:
    """Return the version of the API."""
    version = table.text("api_version", API_VERSION)
    if not re.fullmatch(r"20\d\d-(01|04|07|10)", version):
        raise table.wrong("api_version", f'must be one of Shopify\'s, such as "{API_VERSION}"')
    return version


def rules_in(table: Options) -> Rules:
    """Return how the shop wants its orders changed."""
    return Rules(
        refund=table.flag("refund", False),
        restock=table.flag("restock", True),
        notify=table.flag("notify", True),
        job_s=table.seconds("job_s", 5.0),
    )


def numbers_in(table: Options) -> Numbers:
    """Return the form of its order numbers."""
    return Numbers(_affix(table, "number_prefix", "#"), _affix(table, "number_suffix", ""))


def _affix(table: Options, name: str, default: str) -> str:
    text = table.optional(name, default)
    if re.search(r'["\\\d]', text):
        raise table.wrong(name, "must hold neither digits nor quotes")
    return text
