"""An order adapter of one's own, for a shop whose orders are in a JSON file; docs/orders-own.md explains it."""

import json
import os
from datetime import datetime
from decimal import Decimal

from bot.domain.actions import ActionKind
from bot.domain.model import Money, Order, OrderItem, OrderStatus, WriteAnswer, WriteResult
from bot.errors import OrderSystemDown, OrderSystemGarbled
from bot.orders.numbers import plain

CANCEL = (OrderStatus.PENDING, OrderStatus.CANCELLED)
RETURN = (OrderStatus.DELIVERED, OrderStatus.RETURN_REQUESTED)


class Notebook:
    number_shapes = (r"N-\d{4}",)
    honours_keys = False

    def __init__(self, path):
        self.path, self.closed = path, False

    @classmethod
    def from_options(cls, options, base_dir):
        if options.keys() != {"path"}:
            raise ValueError('orders.notebook has one option: path = "notebook.json"')
        return cls(base_dir / options["path"])

    async def identify_by_phone(self, phone):
        found = {(row["customer"], row["name"]) for row in self.rows() if row["phone"] == phone}
        return found.pop() if len(found) == 1 else None

    async def identify_by_order(self, number, *, email, phone_last4):
        for row in self.rows(number):
            right_email = email is None or email.strip().lower() == row["email"]
            right_phone = phone_last4 is None or phone_last4 == row["phone"][-4:]
            if (email or phone_last4) and right_email and right_phone:
                return row["customer"]

    async def customer_of(self, number):
        return next(((row["customer"], row["name"]) for row in self.rows(number)), None)

    async def orders(self, scope, limit):
        mine = [to_order(row) for row in self.rows() if row["customer"] == scope.customer_id]
        return sorted(mine, key=lambda order: order.placed_at, reverse=True)[:limit]

    async def order(self, scope, number):
        mine = [row for row in self.rows(number) if row["customer"] == scope.customer_id]
        return to_order(mine[0]) if mine else None

    async def cancel(self, scope, number, *, key, reason=None):
        return await self.move(scope, number, *CANCEL)

    async def request_return(self, scope, number, *, key, reason=None, lines=()):
        if lines:
            return WriteAnswer(WriteResult.REFUSED, detail="only whole orders can go back")
        return await self.move(scope, number, *RETURN)

    async def outcome(self, scope, number, action, *, key):
        order = await self.order(scope, number)
        after = (CANCEL if action is ActionKind.CANCEL_ORDER else RETURN)[1]
        done = WriteAnswer(WriteResult.DONE, detail="seen in the notebook; it does not say who did it")
        return done if order and order.status is after else None

    async def examine(self):
        return [
            f"{row['number']}: no state {row['state']!r}" for row in self.rows() if row["state"] not in {*OrderStatus}
        ]

    async def ping(self):
        self.rows()

    async def close(self):
        self.closed = True

    def rows(self, number=None):
        if self.closed:
            raise OrderSystemDown("the notebook is closed")
        try:
            rows = json.loads(self.path.read_text(encoding="utf-8"))
        except OSError as error:
            raise OrderSystemDown(f"the notebook cannot be read: {error}") from error
        except ValueError as error:
            raise OrderSystemGarbled(f"the notebook is no JSON: {error}") from error
        return [row for row in rows if number is None or plain(row["number"]) == plain(number)]

    async def move(self, scope, number, before, after):
        order = await self.order(scope, number)
        if order is None or order.status is not before:
            return WriteAnswer(WriteResult.REFUSED, detail=f"the order is {order.status}" if order else "no such order")
        rows = [row | {"state": after} if row["number"] == order.number else row for row in self.rows()]
        draft = self.path.with_suffix(".new")
        draft.write_text(json.dumps(rows), encoding="utf-8")
        os.replace(draft, self.path)
        return WriteAnswer(WriteResult.DONE, reference=plain(order.number), detail=f"now {after}")


def to_order(row):
    items = [OrderItem(each["name"], each["count"], money(each["price"]), id=each["id"]) for each in row["items"]]
    when, total = datetime.fromisoformat(row["placed"]), money(row["total"])
    return Order(row["number"], row["customer"], OrderStatus(row["state"]), when, total, tuple(items))


def money(text):
    amount, currency = text.split()
    return Money(Decimal(amount), currency)
