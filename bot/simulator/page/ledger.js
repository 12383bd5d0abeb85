// The ledger: what was to be written into the order system, and what became of it.

import { el, isolated } from "./dom.js";
import { preciseTime, words } from "./format.js";

const TONES = { done: "good", refused: "bad", unknown: "bad", in_flight: "warn", confirmed: "warn", proposed: "warn" };

export function ledgerOf(entries) {
  const title = el("h3", { class: "trace-title", id: "ledger-title", text: "Ledger" });
  if (entries.length === 0) {
    const hint = "No order has been changed yet.";
    return el("section", { "aria-labelledby": "ledger-title" }, title, el("p", { class: "trace-hint", text: hint }));
  }
  const heads = ["Change", "State", "At"].map((text) => el("th", { scope: "col", text }));
  const table = el(
    "table",
    { class: "ledger", data: { testid: "ledger" }, "aria-labelledby": "ledger-title" },
    el("thead", {}, el("tr", {}, ...heads)),
    el("tbody", {}, ...entries.map(rowOf)),
  );
  return el("section", { "aria-labelledby": "ledger-title" }, title, table);
}

function rowOf(entry) {
  const state = el("span", { class: `mark ${TONES[entry.state] ?? ""}`, text: words(entry.state) });
  const at = el("time", { datetime: entry.at, text: entry.at ? preciseTime(entry.at) : "" });
  const change = [
    el("span", { class: "ledger-action", text: `${words(entry.action)} ` }),
    el("span", { class: "ledger-number", dir: "ltr", text: entry.order_number }),
    entry.detail ? isolated(entry.detail, "ledger-detail") : null,
  ];
  return el(
    "tr",
    { data: { testid: "ledger-row", state: entry.state }, title: `Idempotency key ${entry.key}` },
    el("td", {}, ...change),
    el("td", {}, state),
    el("td", { class: "ledger-at" }, at),
  );
}
