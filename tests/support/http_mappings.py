"""The mappings of the two faces of `http_shop.py`. The nested one is the example of docs/orders-http.md."""

from __future__ import annotations

import copy
import re
import tomllib
from pathlib import Path
from typing import Any

from tests.support.http_shop import TOKEN

GUIDE = Path(__file__).parents[2] / "docs" / "orders-http.md"

FLAT = r"""
number_shapes = ['SO-[0-9]{6}']
number = { match = '(SO)([0-9]{6})', write = '\1-\2' }
honours_keys = true
zone = "Europe/Berlin"
phone_region = "US"
auth = { kind = "query", name = "api_key", token = "s3cret-t0ken" }

[orders]
path = "/orders"
query = { customer_id = "{customer_id}" }
paging = { kind = "link" }

[order]
path = "/orders"
query = { customer_id = "{customer_id}", order_number = "{number}" }

[fields]
number = "/number"
customer_id = "/customer"
status = "/state"
placed_at = "/created"
shipped_at = "/sent"
delivered_at = "/arrived"
total = "/total"
currency = "/currency"
carrier = "/carrier"
tracking = "/tracking"
items = "/lines"

[fields.item]
id = "/id"
name = "/name"
category = "/category"
quantity = "/quantity"
price = "/price"
returnable = "/returnable"

[states]
open = "pending"
packed = "processed"
sent = "shipped"
arrived = "delivered"
cancelled = "cancelled"
coming_back = "return_requested"
gone_back = "returned"

[by_phone]
path = "/customers"
query = { digits = "{phone_digits}" }
paging = { kind = "page", parameter = "page" }
customer_id = "/id"
name = "/name"
phone = "/phone"

[by_number]
path = "/lookup"
query = { order_number = "{number}" }
number = "/order_number"
customer_id = "/id"
name = "/name"
email = "/email"
phone = "/phone"

[cancel]
path = "/orders/{number}/cancel"
body = { customer_id = "{customer_id}", request_id = "{key}", why = "{reason}" }
answers = [
  { status = [200], pointer = "/result", values = ["done"], means = "done" },
  { status = [200], pointer = "/result", values = ["refused"], means = "refused" },
  { status = [409], pointer = "/code", values = ["key_reused"], means = "key_reused" },
]
reference = "/reference"
refund = "/refund"
detail = "/detail"

[return]
path = "/orders/{number}/return"
body = { customer_id = "{customer_id}", request_id = "{key}", why = "{reason}" }
answers = [
  { status = [200], pointer = "/result", values = ["done"], means = "done" },
  { status = [200], pointer = "/result", values = ["refused"], means = "refused" },
  { status = [409], pointer = "/code", values = ["key_reused"], means = "key_reused" },
]
reference = "/reference"
detail = "/detail"

[outcome]
path = "/requests/{key}"
number = "/number"
action = "/action"
answers = [
  { status = [200], pointer = "/result", values = ["done"], means = "done" },
  { status = [200], pointer = "/result", values = ["refused"], means = "refused" },
]
reference = "/reference"
refund = "/refund"
detail = "/detail"

[check]
customer_id = "7"
"""


def nested(origin: str) -> dict[str, Any]:
    """Return the guide's example, for a shop at this origin."""
    (block,) = re.findall(r"```toml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    options: dict[str, Any] = tomllib.loads(block)["orders"]["http"]
    options["base_url"] = options["base_url"].replace("https://shop.example", origin)
    options["auth"]["token"] = TOKEN
    return options


def flat(origin: str) -> dict[str, Any]:
    """Return the flat face's mapping."""
    return {"base_url": f"{origin}/rest", **tomllib.loads(FLAT)}


def keyless(origin: str) -> dict[str, Any]:
    """Return the flat face's mapping for a shop that keeps no keys."""
    options = copy.deepcopy(flat(origin))
    del options["outcome"]
    options["honours_keys"] = False
    for write in ("cancel", "return"):
        del options[write]["body"]["request_id"]
    return options


def without(options: dict[str, Any], path: str) -> dict[str, Any]:
    """Return options without the one that is named with dots."""
    return changed(options, path, None)


def changed(options: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return options with one, named with dots, changed; None takes it away."""
    options = copy.deepcopy(options)
    *tables, key = path.split(".")
    table = options
    for name in tables:
        table = table.setdefault(name, {})
    if value is None:
        del table[key]
    else:
        table[key] = value
    return options
