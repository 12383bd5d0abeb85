// What can be pressed instead of typed: the bot's own keyboard, and the order numbers of the customer.

import { button, byId, el, icon, isolated } from "./dom.js";
import { money, words } from "./format.js";

/** The keyboard that the bot has laid out below the messages. */
export class ReplyKeyboard {
  constructor({ text, shareContact }) {
    this.actions = { text, shareContact };
    this.node = byId("keyboard");
    this.toggle = byId("keyboard-button");
    this.chat = null;
    this.toggle.addEventListener("click", () => {
      this.chat.keyboardUsed = this.#isOpen;
      this.show(this.chat);
    });
  }

  get #isOpen() {
    return !this.node.hidden;
  }

  show(chat) {
    this.chat = chat;
    this.toggle.hidden = chat.keyboard === null;
    this.node.hidden = chat.keyboard === null || chat.keyboardUsed;
    this.toggle.setAttribute("aria-expanded", String(this.#isOpen));
    const rows = (chat.keyboard?.rows ?? []).map((row) =>
      el("div", { class: "keyboard-row" }, ...row.map((key) => this.#key(key))),
    );
    this.node.replaceChildren(...rows);
  }

  #key(key) {
    const press = () => {
      if (this.chat.keyboard.one_time) this.chat.keyboardUsed = true;
      this.show(this.chat);
      if (key.request_contact) this.actions.shareContact();
      else this.actions.text(key.text);
    };
    const testid = key.request_contact ? "share-contact" : "keyboard-button";
    const glyph = key.request_contact ? icon("contact") : null;
    return button({ class: "key", data: { testid }, on: { click: press } }, glyph, isolated(key.text));
  }
}

/** Show a customer's orders; pressing one inserts its number. */
export function showOrders(person, insert) {
  const chips = (person.orders ?? []).map((order) => {
    const facts = [words(order.status), money(order.total, order.currency), (order.items ?? []).join(", ")]
      .filter(Boolean)
      .join(" · ");
    return button(
      {
        class: "chip",
        title: facts,
        data: { testid: "order-chip", status: order.status },
        on: { click: () => insert(order.number) },
      },
      el("span", { class: "visually-hidden", text: "Insert order " }),
      el("span", { class: "chip-number", dir: "ltr", text: order.number }),
      el("span", { class: "chip-status", text: words(order.status) }),
    );
  });
  const row = byId("orders");
  row.replaceChildren(...chips);
  row.hidden = chips.length === 0;
  row.scrollLeft = 0;
}
