"""Exports as shops write them, with invented customers. The headings are those of the makers' documentation."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.orders.csv_files import CsvShop
from bot.orders.csv_options import read_options

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)

PLAIN = """\
Order Number,Order Date,Status,Customer Name,Email,Phone,Order Total,Currency,Delivered at,Tracking,Item,SKU,Qty,Price
SH-1001,2026-11-01 10:00,delivered,Ana Ruiz,ana@example.com,+34 600 111 222,59.90,EUR,2026-11-05,PK1,Shoes,RS-40,1,49.90
SH-1001,2026-11-01 10:00,delivered,Ana Ruiz,ana@example.com,+34 600 111 222,59.90,EUR,2026-11-05,PK1,Socks,SO-1,2,5.00
SH-1002,2026-11-10 09:30,shipped,Ana Ruiz,Ana@Example.com,600111222,20.00,EUR,,PK2,Hat,HA-1,1,20.00
SH-1003,2026-11-18 08:15,pending,Ana Ruiz,ana@example.com,0034600111222,15.50,EUR,,,Scarf,SC-1,1,15.50
SH-2001,2026-11-02 11:00,pending,Bo Lind,bo@example.com,+46 70 123 45 67,80.00,EUR,,,Coat,CO-1,1,80.00
SH-2002,2026-10-28 11:00,delivered,Bo Lind,bo@example.com,+46 70 123 45 67,12.00,EUR,2026-11-03,,Belt,BE-1,1,12.00
SH-3001,2026-11-03 11:00,pending,Cy One,cy@example.com,+447700900119,9.00,EUR,,,Cap,CA-1,1,9.00
SH-4001,2026-11-04 11:00,pending,Di Two,di@example.com,+447700900119,9.00,EUR,,,Cap,CA-1,1,9.00
"""

OPTIONS: dict[str, Any] = {
    "folder": "exports",
    "record": "requests.db",
    "number_shapes": [r"SH-\d{4}"],
    "phone_region": "ES",
    "settle_s": 0,
}


def write_export(folder: Path, name: str, text: str, *, encoding: str = "utf-8", age_s: float = 60) -> Path:
    """Lay an export into a folder, last changed so many seconds ago."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(text.encode(encoding))
    then = time.time() - age_s
    os.utime(path, (then, then))
    return path


def open_shop(base: Path, **options: Any) -> CsvShop:
    """Return the adapter over `base`/exports; it waits for what is new as long as that takes."""
    return CsvShop(read_options({**OPTIONS, **options}, base), now=lambda: NOW, patience_s=60)
