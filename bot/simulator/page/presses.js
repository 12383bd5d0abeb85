// Presses of inline buttons that wait for the bot's answer. The answer may come before the press is acknowledged.

import { api } from "./api.js";
import { alertDialog, toast } from "./notices.js";

const PATIENCE_MS = 10_000;

export class Presses {
  constructor() {
    this.waiting = new Map();
    this.early = new Map();
  }

  async press(chatId, message, item, node) {
    if (node.getAttribute("aria-busy") === "true") return;
    node.setAttribute("aria-busy", "true");
    try {
      const { callback_query_id: id } = await api.press(chatId, message.message_id, item.callback_data ?? "");
      this.#wait(id, node);
    } catch (error) {
      node.removeAttribute("aria-busy");
      toast(error.message, "error");
    }
  }

  /** The bot has answered a press; only those of this page are shown. */
  answered(answer) {
    const node = this.waiting.get(answer.callback_query_id);
    if (!node) {
      this.early.set(answer.callback_query_id, answer);
      window.setTimeout(() => this.early.delete(answer.callback_query_id), PATIENCE_MS);
      return;
    }
    this.#finish(answer.callback_query_id);
    if (!answer.text) return;
    if (answer.alert) alertDialog(answer.text);
    else toast(answer.text);
  }

  #wait(id, node) {
    this.waiting.set(id, node);
    const early = this.early.get(id);
    if (early) this.answered(early);
    else window.setTimeout(() => this.#finish(id), PATIENCE_MS);
  }

  #finish(id) {
    this.waiting.get(id)?.removeAttribute("aria-busy");
    this.waiting.delete(id);
    this.early.delete(id);
  }
}
