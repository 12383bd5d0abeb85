"""What is measured on the page: contrast, and the names of controls."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Page

CONTROLS = frozenset({"button", "link", "textbox", "menuitem", "option", "combobox", "checkbox", "listbox", "menu"})


async def nameless_controls(page: Page) -> list[str]:
    """Return the roles of controls that a screen reader could not name."""
    session = await page.context.new_cdp_session(page)
    tree: dict[str, Any] = await session.send("Accessibility.getFullAXTree")
    await session.detach()
    found = [node for node in tree["nodes"] if node.get("role", {}).get("value") in CONTROLS and not node["ignored"]]
    assert len(found) > 5, "the page's controls are not in its accessibility tree"
    return [node["role"]["value"] for node in found if not node.get("name", {}).get("value", "").strip()]


async def faint_texts(page: Page, least: float = 4.5) -> list[str]:
    """Return the visible texts whose contrast with what is behind them is below `least` (WCAG AA: 4.5)."""
    found: list[str] = await page.evaluate(_FAINT, least)
    return found


# Walks up from each text until the ground is opaque; of a gradient the worst of its colours counts.
_FAINT = """least => {
  const parse = text => Array.from(text.matchAll(/rgba?\\(([^)]+)\\)/g), match => {
    const [r, g, b, a = "1"] = match[1].split(/[ ,/]+/).filter(Boolean);
    return [Number(r), Number(g), Number(b), Number(a)];
  });
  const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const light = color => {
    const linear = v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = color.slice(0, 3).map(v => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [x, y] = [light(a), light(b)];
    return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
  };
  const grounds = node => {
    for (const layers = []; node; node = node.parentElement) {
      const style = getComputedStyle(node);
      const gradient = parse(style.backgroundImage);
      const own = parse(style.backgroundColor)[0];
      const bases = gradient.length ? gradient : own[3] === 1 ? [own] : null;
      if (bases) return bases.map(base => layers.reduceRight((below, top) => over(top, below), base));
      layers.push(own);
    }
    return [[255, 255, 255, 1]];
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    const hidden = node.closest(".visually-hidden, .tools, .skip, script, [aria-busy]");
    if (!walker.currentNode.data.trim() || hidden || !node.checkVisibility({visibilityProperty: true})) continue;
    const color = parse(getComputedStyle(node).color)[0];
    const worst = Math.min(...grounds(node).map(ground => contrast(over(color, ground), ground)));
    const name = `${node.className || node.tagName}: ${node.textContent.slice(0, 30)}`;
    if (worst < least) faint.push(`${worst.toFixed(2)} ${name}`);
  }
  return [...new Set(faint)];
}"""
