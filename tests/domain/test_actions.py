"""The model's one JSON object: the schema and the parser say the same, and nothing invented comes through."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.actions import (
    MAX_MESSAGE_CHARS,
    MAX_ORDER_ID_CHARS,
    Action,
    ActionKind,
    ResponseType,
    action_schema,
    begun_message,
    parse_action,
)

CANDIDATES = ("ORD20241112001", "#88", "7F3K-99X2", "PO 12")
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))


def fits(data: Any, schema: dict[str, Any]) -> bool:
    """Say whether data fits; knows exactly the words that the action's schema uses, and no others."""
    known = {"type", "enum", "maxLength", "properties", "required", "additionalProperties"}
    assert schema.keys() <= known
    kinds = {"object": dict, "string": str, "null": type(None)}
    wanted = schema.get("type", [])
    if wanted and not isinstance(
        data, tuple(kinds[name] for name in ([wanted] if isinstance(wanted, str) else wanted))
    ):
        return False
    if "enum" in schema and data not in schema["enum"]:
        return False
    if isinstance(data, str) and len(data) > schema.get("maxLength", len(data)):
        return False
    if isinstance(data, dict):
        properties = schema["properties"]
        if set(schema["required"]) - data.keys() or (
            not schema["additionalProperties"] and data.keys() - properties.keys()
        ):
            return False
        return all(fits(value, properties[name]) for name, value in data.items())
    return True


def objects(order_ids: st.SearchStrategy[Any], max_message: int = 240) -> st.SearchStrategy[dict[str, Any]]:
    """Return whatever fits the schema."""
    return st.fixed_dictionaries(
        {
            "action": st.sampled_from([kind.value for kind in ActionKind]),
            "order_id": order_ids,
            "response_type": st.sampled_from([kind.value for kind in ResponseType]),
            "message": st.text(st.characters(codec=None, exclude_categories=()), max_size=max_message),
        }
    )


NEARLY = st.dictionaries(
    st.sampled_from(["action", "order_id", "response_type", "message", "customer_id"]),
    st.none() | st.booleans() | st.integers() | ANY_TEXT | st.sampled_from([*ActionKind, *ResponseType, *CANDIDATES]),
)


@given(objects(st.none() | st.text(st.characters(codec=None, exclude_categories=()), max_size=MAX_ORDER_ID_CHARS)))
def test_what_fits_the_schema_parses(data: dict[str, Any]) -> None:
    """Whatever a grammar of the schema can produce is a lawful action, of that kind."""
    assert fits(data, action_schema())
    action = parse_action(json.dumps(data))
    assert action.kind == data["action"]
    assert set(action.order_id or "") <= set(data["order_id"] or ""), "nothing is added to a number"


@given(objects(st.sampled_from([*CANDIDATES, None])))
def test_what_fits_the_schema_with_candidates_parses(data: dict[str, Any]) -> None:
    """With candidates the chosen number comes through exactly as it was offered."""
    assert fits(data, action_schema(CANDIDATES))
    assert parse_action(json.dumps(data), CANDIDATES).order_id == data["order_id"]


@given(
    st.one_of(NEARLY, objects(st.none() | ANY_TEXT | st.sampled_from(CANDIDATES))),
    st.sampled_from([None, CANDIDATES, ()]),
)
def test_what_parses_fits_the_schema(data: dict[str, Any], candidates: tuple[str, ...] | None) -> None:
    """Whatever comes through the parser is an object of the schema, and its number one of the candidates."""
    try:
        action = parse_action(json.dumps(data), candidates)
    except ValueError:
        return
    assert fits(action.to_dict(), action_schema(candidates, MAX_MESSAGE_CHARS))
    assert parse_action(json.dumps(action.to_dict()), candidates) == action
    if candidates is not None:
        assert action.order_id in {*candidates, None}
    action.message.encode("utf-8")


@given(ANY_TEXT | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(json.dumps))
def test_nonsense_is_a_value_error(raw: str) -> None:
    """Whatever a model writes, the parser returns an action or raises ValueError with words."""
    with pytest.raises(ValueError, match=r"."):
        parse_action(raw)


def lawful(**fields: Any) -> str:
    """Return a lawful object with other fields."""
    return json.dumps({"action": "query_order", "order_id": None, "response_type": "json", "message": "", **fields})


@pytest.mark.parametrize(
    "number", ["ORD2", "ord20241112001", "ORD2024111200", "ORD20241112001 or ORD2", "88 9", "None"]
)
def test_an_invented_number_is_refused(number: str) -> None:
    """A number that is not among the thread's is an error that names the field, however near it is."""
    with pytest.raises(ValueError, match="order_id: not among the numbers of this thread"):
        parse_action(lawful(order_id=number), CANDIDATES)
    with pytest.raises(ValueError, match="order_id"):
        parse_action(lawful(order_id=number), ())


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("#ORD20241112001", "ORD20241112001"),
        (" 7F3K-99X2 ", "7F3K-99X2"),
        ("#88", "#88"),
        ("", None),
        ("  ", None),
        ("#", None),
    ],
)
def test_a_number_in_another_dress(written: str, number: str | None) -> None:
    """Spaces and '#' around a number do no harm, and nothing at all means null."""
    assert parse_action(lawful(order_id=written), CANDIDATES).order_id == number


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("", "not JSON"),
        ("null", "not a JSON object"),
        ("[1]", "not a JSON object"),
        ('{"action": "query_order"', "not JSON"),
        (lawful() + " and more", "not JSON"),
        ("[" * 200_000, "not JSON"),
        (lawful(action="refund"), "action: not one of the five"),
        (lawful(action=None), "action: not one of the five"),
        (lawful(action=["query_order"]), "action: not one of the five"),
        (lawful(response_type="JSON"), "response_type: must be text or json"),
        (lawful(order_id=5), "order_id: must be null or a short string"),
        (lawful(order_id=["ORD1"]), "order_id: must be null or a short string"),
        (lawful(order_id="x" * 65), "order_id: must be null or a short string"),
        (lawful(message=None), "message: must be a string"),
        (lawful(customer_id="c-1"), "unknown field 'customer_id'"),
        ('{"action": "query_order", "order_id": null, "response_type": "json"}', "message"),
        ('{"action": "query_order", "order_id": null, "message": ""}', "response_type"),
        ('{"order_id": null, "response_type": "json", "message": ""}', "action"),
    ],
)
def test_what_is_wrong_is_named(raw: str, why: str) -> None:
    """The error says which field is wrong, and never repeats a model's whole text."""
    with pytest.raises(ValueError, match=why) as caught:
        parse_action(raw)
    assert len(str(caught.value)) < 200


def test_half_a_character_is_taken_out() -> None:
    """An answer that was cut off inside an escape, or holds NUL, leaves a message that can be stored and sent."""
    raw = lawful(message="MESSAGE").replace("MESSAGE", "Hi \\ud83d\\u0000\\n\\ud83e\\udda6")
    assert parse_action(raw).message == "Hi \n\U0001f9a6"


def test_a_long_message_is_cut() -> None:
    """A model that rambles is cut at the limit."""
    assert len(parse_action(lawful(message="a" * 5000)).message) == MAX_MESSAGE_CHARS


def test_kinds_know_what_they_are() -> None:
    """Only cancelling and returning change something; only the three order actions concern an order."""
    assert {kind for kind in ActionKind if kind.is_write} == {ActionKind.CANCEL_ORDER, ActionKind.RETURN_APPLY}
    assert {kind for kind in ActionKind if not kind.concerns_order} == {ActionKind.HANDOFF, ActionKind.UNKNOWN}


def test_text_only_where_there_is_something_to_say() -> None:
    """The response type follows from the action, whatever the model wrote."""
    for kind in ActionKind:
        wanted = "text" if kind is ActionKind.UNKNOWN else "json"
        assert Action(kind).to_dict()["response_type"] == wanted
    assert Action(ActionKind.QUERY_ORDER, "A1").about("B2") == Action(ActionKind.QUERY_ORDER, "B2")


@given(st.text(), st.integers(0, 400))
def test_a_message_is_read_while_it_is_written(message: str, end: int) -> None:
    """Of JSON that is cut off anywhere, what is there of the message is a beginning of it."""
    whole = json.dumps({"action": "unknown", "order_id": None, "response_type": "text", "message": message})
    raw = whole.replace(": ", ":", 4).replace(", ", ",", 3)
    said = parse_action(raw).message
    begun = begun_message(raw[:end])
    assert said.startswith(begun) or len(message) > MAX_MESSAGE_CHARS
    assert begun_message(raw)[:MAX_MESSAGE_CHARS] == said
