// The messages of the chat that is shown: days, groups, typing, and a view that stays at the end.

import { renderMessage, setTicks } from "./bubble.js";
import { isOwn } from "./chat.js";
import { button, byId, el, hiddenText } from "./dom.js";
import { dayName, dayOf } from "./format.js";
import { phrasesFor } from "./phrases.js";

const NEAR_END_PX = 120;
const GROUP_S = 900;
const QUIET_MS = 500;

export class MessageLog {
  constructor(actions) {
    this.actions = actions;
    this.node = byId("log");
    this.toEnd = byId("to-end");
    this.chat = null;
    this.nodes = new Map();
    this.frame = null;
    this.missed = 0;
    this.live = el("div", { class: "message live", data: { testid: "typing" } });
    this.toEnd.addEventListener("click", () => this.scrollToEnd());
    this.node.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    // A photo that has just loaded, or a keyboard that opens, must not push the newest message out of sight.
    this.node.addEventListener("load", () => this.#keepEnd(), true);
    this.wasNearEnd = true;
    this.lastTop = 0;
    new ResizeObserver(() => this.#keepEnd()).observe(this.node);
  }

  show(chat) {
    this.chat = chat;
    this.node.setAttribute("aria-live", "off"); // What was said before is not read out.
    this.node.replaceChildren();
    this.nodes.clear();
    for (const message of chat.messages.values()) this.#append(message);
    this.scrollToEnd();
    this.settle();
    window.setTimeout(() => this.node.setAttribute("aria-live", "polite"), QUIET_MS);
  }

  put(message) {
    const old = this.nodes.get(message.message_id);
    if (old) this.#replace(old, message);
    else this.#append(message);
    if (!old && isOwn(message)) this.wasNearEnd = true;
    if (!old && !this.wasNearEnd) this.missed += 1;
    this.settle();
  }

  remove(messageId) {
    const node = this.nodes.get(messageId);
    if (!node) return;
    const [before, after] = [node.previousElementSibling, node.nextElementSibling];
    node.remove();
    this.nodes.delete(messageId);
    if (before?.matches(".day") && !after?.matches(".message:not(.live)")) before.remove();
    this.#group(after);
    this.settle();
  }

  /** Bring all but the messages themselves up to date, once a frame: a long history comes as many events. */
  settle() {
    this.frame ??= window.requestAnimationFrame(() => {
      this.frame = null;
      this.#showLive();
      this.#showWelcome();
      this.#updateTicks();
      if (this.wasNearEnd) this.scrollToEnd();
      else this.#showToEnd();
    });
  }

  jump(messageId) {
    const node = this.nodes.get(messageId);
    if (!node) return;
    node.scrollIntoView({ block: "center" });
    node.classList.remove("flash");
    void node.offsetWidth; // Starts the animation anew.
    node.classList.add("flash");
  }

  scrollToEnd() {
    this.node.scrollTop = this.node.scrollHeight;
    this.lastTop = this.node.scrollTop;
    this.wasNearEnd = true;
    this.missed = 0;
    this.#showToEnd();
  }

  #append(message) {
    const previous = this.#lastMessage();
    if (!previous || Number(previous.dataset.day) !== dayOf(message.date)) {
      this.#place(el("p", { class: "day" }, el("span", { text: dayName(message.date) })));
    }
    const node = this.#render(message);
    this.#place(node);
    this.#group(node);
    setTicks(node, message.message_id < this.chat.answeredUpTo);
  }

  #render(message) {
    const node = renderMessage(message, this.chat, this.actions);
    this.nodes.set(message.message_id, node);
    Object.assign(node.dataset, { day: dayOf(message.date), date: message.date });
    return node;
  }

  #place(node) {
    if (this.live.isConnected) this.live.before(node);
    else this.node.append(node);
  }

  #replace(old, message) {
    const focused = old.contains(document.activeElement);
    const node = this.#render(message);
    old.replaceWith(node);
    this.#group(node);
    setTicks(node, message.message_id < this.chat.answeredUpTo);
    // The pressed button is often gone after an edit; the keyboard's place must not be lost with it.
    if (focused) (node.querySelector(".inline-button") ?? this.node).focus({ preventScroll: true });
  }

  #lastMessage() {
    const last = this.live.isConnected ? this.live.previousElementSibling : this.node.lastElementChild;
    return last?.matches(".message") ? last : null;
  }

  /** Messages of one side within a quarter of an hour stand close together; only the last has a tail. */
  #group(node) {
    if (!node?.matches(".message:not(.live)")) return;
    const [before, after] = [node.previousElementSibling, node.nextElementSibling];
    this.#join(before, node);
    if (after?.matches(".message:not(.live)")) this.#join(node, after);
    else node.classList.remove("joined-below");
  }

  #join(upper, lower) {
    const joined =
      Boolean(upper?.matches(".message")) &&
      upper.dataset.from === lower.dataset.from &&
      Number(lower.dataset.date) - Number(upper.dataset.date) < GROUP_S;
    upper?.classList.toggle("joined-below", joined);
    lower.classList.toggle("joined-above", joined);
  }

  #showLive() {
    const { draft, typing } = this.chat;
    if (!draft && !typing) {
      this.live.remove();
      return;
    }
    const dots = el("span", { class: "dots", "aria-hidden": "true" }, el("i"), el("i"), el("i"));
    const content = draft
      ? el("p", { class: "text", dir: "auto", text: draft })
      : el("p", { class: "text" }, dots, hiddenText("The bot is typing"));
    this.live.replaceChildren(el("div", { class: "line" }, el("div", { class: "bubble" }, content)));
    this.node.append(this.live);
  }

  #updateTicks() {
    for (const ticks of this.node.querySelectorAll(".message.own .ticks:not(.both)")) {
      const node = ticks.closest(".message");
      setTicks(node, Number(node.dataset.messageId) < this.chat.answeredUpTo);
    }
  }

  #showWelcome() {
    const old = this.node.querySelector(".welcome");
    const isEmpty = this.chat.messages.size === 0 && this.chat.connected !== null;
    if (!isEmpty) old?.remove();
    else if (!old) this.node.prepend(this.#welcome());
  }

  #welcome() {
    const { person } = this.chat;
    const phrases = phrasesFor(person).map((phrase) =>
      button({
        class: "phrase",
        dir: "auto",
        lang: person.language || null,
        text: phrase,
        data: { testid: "phrase" },
        on: { click: () => this.actions.command(phrase) },
      }),
    );
    const start = button({
      class: "primary",
      text: "Start",
      data: { testid: "start" },
      on: { click: () => this.actions.command("/start") },
    });
    const title = el(
      "p",
      { class: "welcome-title" },
      "No messages here yet. You write as ",
      el("bdi", { text: person.name }),
      ".",
    );
    return el(
      "div",
      { class: "welcome" },
      title,
      start,
      el("p", { class: "hint", text: "Or try one of these:" }),
      ...phrases,
    );
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.node;
    // Only a move up is a reader's wish to stay: what arrives also puts the end further away.
    if (scrollHeight - scrollTop - clientHeight < NEAR_END_PX) this.wasNearEnd = true;
    else if (scrollTop < this.lastTop) this.wasNearEnd = false;
    this.lastTop = scrollTop;
    if (this.wasNearEnd) this.missed = 0;
    this.#showToEnd();
  }

  #keepEnd() {
    if (this.wasNearEnd) this.scrollToEnd();
  }

  #showToEnd() {
    this.toEnd.hidden = this.wasNearEnd;
    this.toEnd.dataset.count = this.missed ? String(this.missed) : "";
  }
}
