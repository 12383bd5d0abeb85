"""The adapter of docs/orders-own.md: a package of somebody else's, held to the same contract as those that ship."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from textwrap import dedent, indent

import pytest

from bot.domain.ports import OrderAdapter
from bot.errors import OrderSystemDown, OrderSystemGarbled
from bot.orders.registry import GROUP, load_adapter
from bot.orders.testing import ContractShop, OrderAdapterContract

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "notebook"


def row(number: str, customer: str, state: str, placed: str) -> dict[str, object]:
    """Return an order as it stands in the notebook."""
    phone = {"7": "+34600111222", "8": "+46701234567"}.get(customer, "+447700900119")
    return {
        "number": number,
        "customer": customer,
        "name": f"Customer {customer}",
        "phone": phone,
        "email": f"{customer}@example.com",
        "state": state,
        "placed": placed + "T10:00:00+00:00",
        "total": "12.50 EUR",
        "items": [{"id": "1", "name": "Cap", "count": 1, "price": "12.50 EUR"}],
    }


ROWS = [
    row("N-1001", "7", "delivered", "2026-11-01"),
    row("N-1002", "7", "shipped", "2026-11-02"),
    row("N-1003", "7", "pending", "2026-11-03"),
    row("N-2001", "8", "pending", "2026-11-01"),
    row("N-2002", "8", "delivered", "2026-11-02"),
    row("N-3001", "9", "pending", "2026-11-01"),
    row("N-4001", "10", "pending", "2026-11-01"),
]


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lay the package down as pip would."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ((name, target),) = project["entry-points"][GROUP].items()
    info = tmp_path / "site" / "deskhand_notebook-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {target}\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.syspath_prepend(EXAMPLE)


def open_notebook(folder: Path) -> OrderAdapter:
    """Return the adapter as the configuration gives it."""
    return load_adapter("notebook", {"path": "notebook.json"}, folder)


class TestNotebook(OrderAdapterContract):
    @pytest.fixture
    def shop(self, tmp_path: Path) -> ContractShop:
        (tmp_path / "notebook.json").write_text(json.dumps(ROWS))
        return ContractShop(
            open=lambda: open_notebook(tmp_path),
            customer_id="7",
            name="Customer 7",
            phone="+34600111222",
            email="7@example.com",
            pending="N-1003",
            delivered="N-1001",
            shipped="N-1002",
            stranger_id="8",
            strangers_email="8@example.com",
            strangers_pending="N-2001",
            strangers_delivered="N-2002",
            shared_phone="+447700900119",
            tells_refund=False,
            takes_lines=False,
        )


async def test_what_goes_wrong(tmp_path: Path) -> None:
    """A notebook that is missing or torn is an error of the order system, and a strange state is named."""
    notebook, path = open_notebook(tmp_path), tmp_path / "notebook.json"
    with pytest.raises(OrderSystemDown):
        await notebook.ping()
    write(path, json.dumps(ROWS)[:100])
    with pytest.raises(OrderSystemGarbled):
        await notebook.ping()
    write(path, json.dumps([row("N-1001", "7", "lost", "2026-11-01")]))
    assert list(await notebook.examine()) == ["N-1001: no state 'lost'"]
    with pytest.raises(ValueError, match="one option"):
        load_adapter("notebook", {}, tmp_path)


def write(path: Path, text: str) -> None:
    """Write the notebook as the shop would."""
    path.write_text(text)


def test_the_guide_shows_it() -> None:
    """Every piece of code in the guide that is the example's stands in the example just so."""
    guide = (ROOT / "docs" / "orders-own.md").read_text(encoding="utf-8")
    example = (EXAMPLE / "deskhand_notebook.py").read_text(encoding="utf-8")
    pieces = re.findall(r"```python\n +# examples/notebook/deskhand_notebook\.py\n(.*?) +```", guide, re.DOTALL)
    assert len(pieces) == 2
    for piece in pieces:
        assert indent(dedent(piece), "    ") in example
    assert (EXAMPLE / "pyproject.toml").read_text(encoding="utf-8").split("\n\n")[2] in guide
