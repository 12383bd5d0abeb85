"""Who is it, end to end: links out of the shop's mails, what is told about a binding, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.compose import Overrides
from bot.link_command import make_link, renew_secret
from bot.orders.demo import DemoShop
from tests.support.faulty_adapter import FaultyAdapter, down
from tests.support.rest import rest
from tests.support.rows import rows
from tests.support.store import SetClock
from tests.support.worker import Chatter, World, running, unhurried

REFUSED = "this link does not work, or no longer does"


@pytest.fixture
def shop(tmp_path: Path) -> FaultyAdapter:
    """The demo shop, whose calls are counted."""
    return FaultyAdapter(DemoShop.open(tmp_path / "shop.db"))


@pytest.fixture
async def world(tmp_path: Path, shop: FaultyAdapter) -> AsyncIterator[World]:
    """A running bot on it."""
    async with running(tmp_path, adapter=shop) as found:
        yield found


async def payload(world: World, number: str, days: int = 30) -> str:
    """Return what the shop's link for an order has behind `start=`."""
    return (await make_link(world.settings, number, days)).partition("?start=")[2]


def database(world: World) -> Path:
    """Return the bot's own file."""
    return Path(world.settings.database.url.partition(":///")[2])


def bound(world: World, chatter: Chatter) -> list[tuple[str | None, str | None]]:
    """Return which proof somebody's thread rests on."""
    return [
        (customer and "someone", kind)
        for customer, kind in rows(
            database(world), "SELECT customer_id, proof_kind FROM threads WHERE address = ?", str(chatter.id)
        )
    ]


# --- links ---


async def test_a_link_shows_its_order(world: World) -> None:
    """Whoever opens the shop's link is greeted, told whose orders they see and until when, and shown the order."""
    emily, number = world.customer("en"), world.orders("en", "shipped")[0]
    card = await emily.asks(f"/start {await payload(world, number)}", "Tracking number")
    welcome, told = emily.heard()[:2]
    assert "I am the assistant of Test Shop" in welcome
    assert "From now on I show you the orders of Emily Carter. That holds until" in told
    assert number in card["text"]
    await emily.asks("/orders", "Which order is it about?")
    assert bound(world, emily) == [("someone", "link")]


async def test_a_link_for_a_long_number(world: World) -> None:
    """Where the number does not fit into the link, a row of the database holds it, and the link works alike."""
    emily, wei = world.customer("en"), world.customer("zh")
    number = world.orders("en", "shipped")[0]
    spelled = " ".join(number)
    link = await payload(world, spelled)
    assert rows(database(world), "SELECT number, thread_id FROM links") == [(spelled, None)]
    await emily.asks(f"/start {link}", "Tracking number")
    await wei.asks("/language en", "English")
    await wei.asks(f"/start {link}", REFUSED)


async def test_a_link_goes_on_with_what_was_asked(world: World) -> None:
    """A customer who was asked for a proof in the middle of a wish proves it by the link, and the wish goes on."""
    emily, newest = world.customer("en"), world.orders("en", "pending")[0]
    await emily.asks("cancel my last order", "share your phone number")
    asked = await emily.asks(
        f"/start {await payload(world, world.orders('en', 'shipped')[0])}", "Shall I cancel this order?"
    )
    assert newest in asked["text"]


async def test_a_link_belongs_to_whoever_opens_it_first(world: World, shop: FaultyAdapter) -> None:
    """Forwarded after it was opened, it is refused without a look at the order; its owner may open it again."""
    emily, wei = world.customer("en"), world.customer("zh")
    number = world.orders("en", "shipped")[0]
    link = await payload(world, number)
    await emily.asks(f"/start {link}", "Tracking number")
    asked = shop.tries("customer_of")
    await wei.asks("/language en", "English")
    await wei.asks(f"/start {link}", REFUSED)
    assert shop.tries("customer_of") == asked
    assert bound(world, wei) == [(None, None)]
    await emily.asks("/unlink", "I no longer show you any orders")
    await emily.asks(f"/start {link}", "Tracking number")


async def test_many_open_one_link_at_once(world: World) -> None:
    """Of all who open a link in the same moment, one is bound."""
    link = await payload(world, world.orders("en", "shipped")[0])
    everyone = [Chatter(world.simulator, person.id) for person in world.customers]
    for chatter in everyone:
        chatter.phone.send_text(f"/start {link}")
    await asyncio.gather(*(chatter.asks("/language en", "English") for chatter in everyone))
    found = [bound(world, chatter) for chatter in everyone]
    assert sorted(map(str, found)) == sorted(map(str, [[("someone", "link")]] + [[(None, None)]] * (len(everyone) - 1)))


async def test_every_refusal_reads_alike(tmp_path: Path) -> None:
    """Forged, expired, opened by another, made with another secret, for an order that is gone: the same words."""
    clock = SetClock()
    shop = FaultyAdapter(DemoShop.open(tmp_path / "shop.db"))
    overrides = Overrides(pace=unhurried(), clock=clock)
    async with running(tmp_path, adapter=shop, overrides=overrides) as world:
        emily, number = world.customer("en"), world.orders("en", "shipped")[0]
        good = await payload(world, number)
        jonas = world.customer("de")
        await jonas.asks(f"/start {good}", "Sendungsnummer")
        replaced = await payload(world, number, 29)
        forged = good[:-1] + ("A" if good[-1] != "A" else "B")
        said = [(await emily.asks(f"/start {link}", REFUSED))["text"] for link in (forged, good, "x" * 64, good + "A")]
        await renew_secret(world.settings)
        said.append((await emily.asks(f"/start {replaced}", REFUSED))["text"])
        fresh, late = await payload(world, number), await payload(world, number, 28)
        foreign = await payload(world, world.orders("zh", "pending", "shipped", "delivered")[0], 27)

        async def nobody(_inner: object) -> None:
            return None

        async def another(_inner: object) -> tuple[str, str]:
            return "another-customer", "Somebody Else"

        shop.plan("customer_of", nobody, another)
        said += [(await emily.asks(f"/start {link}", REFUSED))["text"] for link in (fresh, foreign)]
        clock.move(days=20_000)
        said.append((await emily.asks(f"/start {late}", REFUSED))["text"])
        assert len(said) == 8
        assert len(set(said)) == 1
        assert "order number together with" in said[0], "the other ways are offered"
        assert bound(world, emily) == [(None, None)]
        await emily.shares_contact("Which order is it about?")


async def test_a_refused_link_takes_nothing_away(world: World) -> None:
    """Who is known already stays so, and is told whose orders they see."""
    emily = world.customer("en")
    await emily.asks("/orders", "share your phone number")
    await emily.shares_contact("Which order")
    await emily.asks(f"/start {'x' * 50}", "I show you the orders of Emily Carter.")
    assert bound(world, emily) == [("someone", "contact")]


async def test_a_link_while_the_order_system_is_away(world: World, shop: FaultyAdapter) -> None:
    """It is not lost: its opener tries it again; until then nobody is bound."""
    emily, link = world.customer("en"), await payload(world, world.orders("en", "shipped")[0])
    shop.always("customer_of", down())
    await emily.asks(f"/start {link}", "cannot reach our order system")
    assert bound(world, emily) == [(None, None)]
    shop.always("customer_of", None)
    await emily.asks(f"/start {link}", "Tracking number")


async def test_a_link_is_nobodys_to_read(world: World) -> None:
    """What stands behind /start is kept out of the conversation that admins and models see, whoever owns the thread."""
    emily, link = world.customer("en"), await payload(world, world.orders("en", "shipped")[0])
    await emily.asks("/human", "passing this on")
    card = await world.admin.hears("needs a person")
    emily.phone.send_text(f"/start {link}")
    await world.admin.hears("/start", card["message_id"])
    assert bound(world, emily) == [(None, None)], "a person has the thread"
    assert not [text for (text,) in rows(database(world), "SELECT text FROM messages") if link in text]
    assert not [text for text in world.admin.heard() if link in text]
    await world.admin.asks("/handback 1", "with the bot again")
    await emily.asks(f"/start {link}", "Tracking number")


async def test_a_shops_own_start_payload(world: World) -> None:
    """A short payload, by which the shop tells where somebody comes from, is a plain hello."""
    emily = world.customer("en")
    await emily.asks("/start website", "I am the assistant of Test Shop")
    assert REFUSED not in " ".join(emily.heard())


async def test_a_link_by_rest(world: World) -> None:
    """A program passes the link on for its customer; another of its threads cannot use it then."""
    number = world.orders("en", "shipped")[0]
    link = await payload(world, number)
    async with rest(world) as program:
        told = (await program.says(f"/start {link}"))["content"]
        assert "From now on I show you the orders of Emily Carter." in told
        assert number in told
        refused = (await program.of("t2").says(f"/start {link}"))["content"]
        assert REFUSED in refused
        assert "press the button" not in refused
        assert "a link from our mail" in (await program.says("/whoami"))["content"]
        assert "I no longer show you any orders" in (await program.says("/unlink"))["content"]
        assert "do not know yet who you are" in (await program.says("/whoami"))["content"]


# --- showing and ending a binding ---


async def test_whoami_and_unlink(world: World) -> None:
    """A customer is told whose orders they see and why, ends it, and is asked for a proof again after that."""
    emily, number = world.customer("en"), world.orders("en", "pending")[0]
    await emily.asks("/whoami", "I do not know yet who you are")
    await emily.asks("/unlink", "I do not know yet who you are")
    await emily.asks(f"cancel {number}", "share your phone number")
    await emily.shares_contact("Shall I cancel this order?")
    await emily.asks("/whoami", "You showed who you are with: your phone number")
    await emily.asks("/unlink", "I no longer show you any orders")
    (entry,) = await world.ledger(emily)
    assert (entry["state"], entry["detail"]) == ("declined", "the customer ended the verification")
    emily.phone.press_label("Yes")
    await world.simulator.wait_call("answerCallbackQuery", lambda call: "no longer valid" in call.params["text"])
    await emily.asks(f"where is {number}?", "share your phone number")
    answer = await emily.shares_contact("Ordered on")
    assert "cancelled" not in answer["text"]


async def test_an_admin_ends_a_binding(world: World) -> None:
    """/thread says what a binding rests on, /revoke ends it and tells the customer, and says where there is none."""
    emily, admin = world.customer("en"), world.admin
    await emily.asks("/orders", "share your phone number")
    await emily.shares_contact("Which order")
    await admin.asks("/thread 1", "verified by contact until")
    after = emily.last_id()
    await admin.asks("/revoke #1", "#1 is shown no orders any more")
    await emily.hears("I no longer show you any orders", after)
    await admin.asks("/revoke 1", "#1 is not verified")
    await admin.asks("/revoke", "Which conversation?")
    await admin.asks("/thread 1", "not verified")
    await emily.asks("/orders", "share your phone number")


async def test_a_binding_for_ever(tmp_path: Path) -> None:
    """With binding_days = 0 no day is named, and none is kept."""
    async with running(tmp_path, policy={"binding_days": 0}) as world:
        emily = world.customer("en")
        await emily.asks("/orders", "share your phone number")
        await emily.shares_contact("Which order")
        assert any("With /unlink you end that." in text for text in emily.heard())
        assert rows(database(world), "SELECT proof_expires FROM threads") == [(None,)]


# --- tries ---


async def test_wrong_and_unknown_are_one(world: World, shop: FaultyAdapter) -> None:
    """A wrong secret, another customer's order and an order that does not exist: the same bytes, the same calls."""
    emily, theirs = world.customer("en"), world.orders("zh", "pending", "shipped", "delivered")[0]
    mine = world.orders("en", "shipped")[0]
    told = []
    for language, number in (("es", mine), ("de", theirs), ("ru", "ORD20200101999")):
        chatter = world.customer(language)
        await chatter.asks("/language en", "English")
        await chatter.asks("where is my order?", "share your phone number")
        before = len(shop.calls)
        answer = await chatter.asks(f"{number} nobody@example.com", "do not match any order")
        made = [(name, {**asked, "number": "N"}) for name, _, asked in shop.calls[before:]]
        trace = await world.trace(chatter)
        told.append((answer["text"], made, trace["decision"], trace["tier"], [s["name"] for s in trace["stages"]]))
    assert told[0] == told[1] == told[2]
    assert bound(world, emily) == []


async def test_tries_run_out_also_over_a_restart(tmp_path: Path) -> None:
    """After the last wrong try a person takes over, and neither the right secret nor a new start changes that."""
    policy = {"verification_tries": 2}
    async with running(tmp_path, policy=policy) as world:
        emily, number = world.customer("en"), world.orders("en", "shipped")[0]
        await emily.asks(f"where is {number}?", "share your phone number")
        await emily.asks(f"{number} nobody@example.com", "1 more try")
    async with running(tmp_path, policy=policy) as world:
        emily = world.customer("en")
        await emily.asks(f"{number} nobody@example.com", "That was the last try")
    async with running(tmp_path, policy=policy) as world:
        emily = world.customer("en")
        email = next(person.email for person in world.customers if person.id == emily.id)
        await emily.asks(f"where is order {number}? {email}", "did not match several times")
        await world.admin.hears("too many wrong verifications")
        assert bound(world, emily) == [(None, None)]


async def test_an_orders_tries_run_out(tmp_path: Path) -> None:
    """Strangers who guess at one order, each a little, are stopped together, twice one person's tries."""
    async with running(tmp_path, policy={"verification_tries": 1}) as world:
        number = world.orders("en", "shipped")[0]
        strangers = [world.customer(language) for language in ("es", "de", "ru")]
        for chatter in strangers:
            await chatter.asks("/language en", "English")
        for chatter in strangers[:2]:
            await chatter.asks(f"where is {number}? nobody@example.com", "That was the last try")
        await strangers[2].asks(f"where is {number}? nobody@example.com", "did not match several times")


@pytest.mark.parametrize("forged", [{"forwarded": True}, {"own": False, "phone": "+34600111222"}])
async def test_only_the_own_contact_counts(world: World, shop: FaultyAdapter, forged: dict[str, object]) -> None:
    """A forwarded contact, and another's, win nothing and are not even looked up."""
    emily = world.customer("en")
    await emily.asks("/orders", "share your phone number")
    await emily.hears("This contact is not your own", emily.phone.share_contact(**forged))  # type: ignore[arg-type]
    assert shop.tries("identify_by_phone") == 0
    assert bound(world, emily) == [(None, None)]
