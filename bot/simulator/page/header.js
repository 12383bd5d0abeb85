// The head of the chat: the bot as this person sees it, whether it is typing, and whether the line is up.

import { byId, el, paintAvatar } from "./dom.js";
import { ask } from "./notices.js";

export class ChatHeader {
  constructor(bot) {
    this.bot = bot;
    this.chat = null;
    this.status = byId("chat-status");
    this.connection = byId("connection");
    paintAvatar(byId("chat-avatar"), bot.first_name, bot.id);
  }

  show(chat) {
    this.chat = chat;
    byId("chat-title").replaceChildren(
      el("bdi", { text: this.bot.first_name }),
      el("span", { class: "as" }, " as ", el("bdi", { data: { testid: "chat-person" }, text: chat.person.name })),
    );
    this.update(chat);
  }

  update(chat) {
    if (chat !== this.chat) return;
    const lost = chat.connected === false;
    const busy = chat.typing || chat.draft !== "";
    this.status.textContent = chat.blocked ? "blocked by you" : busy ? "typing…" : "bot";
    this.status.classList.toggle("busy", busy);
    const text = lost ? "Connection lost. Trying again…" : "";
    if (this.connection.textContent !== text) this.connection.textContent = text;
  }

  /** Ask as Telegram does before a phone number is given away. */
  async confirmContact(chat) {
    const question = `Share your phone number ${chat.person.phone} with ${this.bot.first_name}?`;
    const choices = [
      { label: "Cancel", value: false, testid: "contact-cancel" },
      { label: "Share", value: true, testid: "contact-confirm", primary: true },
    ];
    return (await ask(question, choices)) === true;
  }
}
