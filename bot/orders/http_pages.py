"""A list that the API gives page by page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import quote

from bot.errors import OrderSystemGarbled, OrderSystemTimeout
from bot.orders.http_client import Answer, Client, Request
from bot.orders.http_mapping import Listing, Meaning, PagingKind
from bot.orders.http_pointer import Nothing
from bot.orders.http_reading import list_at
from bot.orders.http_template import NotAddressable, Values
from bot.orders.http_values import text
from bot.orders.http_verdict import meaning_of

_ENDS = (Nothing.HERE, None, "", False)


async def documents(client: Client, listing: Listing, values: Values, within_s: float) -> AsyncGenerator[Any]:
    """Yield the objects of a list; a page is only asked for when it is needed.

    Args:
        within_s: the limit of all its pages together.

    Raises:
        OrderSystemDown, OrderSystemTimeout, OrderSystemGarbled: for any page; Garbled, too, when there is no end.

    A value that cannot stand in the path is nobody's, so that there is nothing to ask.
    """
    try:
        request: Request | None = _first(listing, client.request(listing.endpoint, values))
    except NotAddressable:
        return
    until = asyncio.get_running_loop().time() + within_s
    asked = set[str]()
    for page in range(listing.paging.max_pages):
        if request is None:
            return
        if request.url in asked:
            raise OrderSystemGarbled(f"{request.option}: the next page is one that was read already")
        asked.add(request.url)
        answer = await _page(client, request, until)
        if meaning_of(listing.endpoint, answer, changing=False) is Meaning.NOT_FOUND:
            return
        document = answer.document()
        found = list_at(listing.at, document)
        for one in found:
            yield one
        request = _next(client, listing, request, answer, document, page, len(found))
    if request is not None:
        option, pages = listing.endpoint.option, listing.paging.max_pages
        raise OrderSystemGarbled(f"{option}: more than {pages} pages; ask for larger ones, or raise paging.max_pages")


async def _page(client: Client, request: Request, until: float) -> Answer:
    try:
        async with asyncio.timeout_at(until):
            return await client.read(request)
    except TimeoutError as error:
        raise OrderSystemTimeout(f"{request.option}: its pages take too long together") from error


def _first(listing: Listing, request: Request) -> Request:
    paging = listing.paging
    if paging.kind is PagingKind.PAGE:
        return request.with_parameter(paging.parameter, str(paging.first))
    return request


def _next(
    client: Client, listing: Listing, request: Request, answer: Answer, document: Any, page: int, found: int
) -> Request | None:
    paging = listing.paging
    match paging.kind:
        case PagingKind.PAGE if found > 0 and found >= paging.size:
            return request.with_parameter(paging.parameter, str(paging.first + page + 1))
        case PagingKind.LINK if answer.next_link is not None:
            return client.followed(request, answer.next_link)
        case PagingKind.CURSOR | PagingKind.URL if paging.place is not None:
            if paging.place.pointer.find(document) in _ENDS:
                return None
            found_here = text(paging.place, document)
            if paging.kind is PagingKind.URL:
                return client.followed(request, found_here)
            return request.with_parameter(paging.parameter, quote(found_here, safe=""))
    return None
