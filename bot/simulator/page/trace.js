// What happened in each turn of the chat: who answered, how long it took, what was decided, what was written down.

import { api } from "./api.js";
import { byId, el } from "./dom.js";
import { languageName, words } from "./format.js";
import { ledgerOf } from "./ledger.js";
import { turnOf } from "./turn.js";

const POLL_MS = 500;
const SOON_MS = 50; // Many messages at once, such as a history, are one question.
const PATIENCE_MS = 20_000;
const NO_TURNS_YET =
  "Each turn of this chat will be shown here: its stages, the tier that answered, the action, the decision.";
const NO_TURNS_OF_ADMINS = "Commands of an admin are carried out at once. Turns stand in the customers' chats.";

export class TracePanel {
  /** `onNews` is called when a turn appears that was not there before. */
  constructor(onNews) {
    this.onNews = onNews;
    this.body = byId("trace-body");
    this.shown = new Map();
    this.show(null);
  }

  show(chat) {
    this.chat = chat;
    this.turns = el("div", { class: "turns" });
    this.head = el("div");
    this.ledger = byId("ledger");
    this.shown.clear();
    this.newest = undefined;
    this.last = "";
    this.until = 0;
    this.body.replaceChildren(this.head, this.turns);
    this.ledger.replaceChildren();
    this.ledger.hidden = true;
    if (chat) this.#ask();
  }

  /** Something was written or pressed: look every now and then until its turn is over. */
  expect() {
    this.until = performance.now() + PATIENCE_MS;
    this.#askSoon();
  }

  /** The bot said something: look once, and once more for what is recorded after it was said. */
  poke() {
    this.until = Math.max(this.until, performance.now() + 2 * POLL_MS);
    this.#askSoon();
  }

  #askSoon() {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.#ask(), SOON_MS);
  }

  async #ask() {
    window.clearTimeout(this.timer);
    this.request?.abort();
    const request = (this.request = new AbortController());
    try {
      const trace = await api.trace(this.chat.id, request.signal);
      if (request !== this.request) return;
      this.#render(trace);
    } catch (error) {
      if (error.name === "AbortError") return;
      if (!this.last) this.head.replaceChildren(hint(error.message));
    }
    if (request === this.request && performance.now() < this.until) {
      this.timer = window.setTimeout(() => this.#ask(), POLL_MS);
    }
  }

  #render(trace) {
    const text = JSON.stringify(trace);
    if (text === this.last) return;
    this.last = text;
    this.head.replaceChildren(threadOf(trace.thread));
    this.#renderTurns(trace.turns ?? []);
    this.ledger.replaceChildren(ledgerOf(trace.ledger ?? []));
    this.ledger.hidden = false;
  }

  #renderTurns(turns) {
    const nodes = turns.map((turn, index) => this.#turnNode(turn, index === 0));
    if (nodes.length === 0) nodes.push(hint(this.chat.isAdmin ? NO_TURNS_OF_ADMINS : NO_TURNS_YET));
    this.turns.replaceChildren(...nodes);
    const newest = turns[0]?.id;
    if (newest !== undefined && this.newest !== undefined && newest !== this.newest) this.#turnCame();
    this.newest = newest ?? null;
  }

  #turnCame() {
    this.onNews();
    this.until = Math.min(this.until, performance.now() + 2 * POLL_MS);
  }

  /** A turn that has not changed keeps its element, and with it what was opened and where the focus is. */
  #turnNode(turn, isNewest) {
    const key = String(turn.id);
    const text = JSON.stringify(turn);
    const known = this.shown.get(key);
    if (known?.text === text) return known.node;
    const node = turnOf(turn, isNewest || Boolean(known?.node.querySelector("details")?.open));
    this.shown.set(key, { text, node });
    return node;
  }
}

const hint = (text) => el("p", { class: "trace-hint", text });

function threadOf(thread) {
  if (!thread) return el("p", { class: "thread", hidden: true });
  const fact = (name, value, tone = "") =>
    el(
      "div",
      {},
      el("dt", { text: name }),
      el("dd", { class: `mark ${tone}`, data: { testid: `thread-${name}` }, text: value }),
    );
  return el(
    "dl",
    { class: "thread", data: { testid: "thread" } },
    fact("status", words(thread.status), thread.status === "open" ? "warn" : ""),
    fact("customer", thread.verified ? "verified" : "not verified", thread.verified ? "good" : ""),
    fact("language", languageName(thread.language || "und")),
    thread.waiting && thread.waiting !== "nothing" ? fact("waiting", words(thread.waiting), "warn") : null,
  );
}
