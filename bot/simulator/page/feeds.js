// Which chats are followed at once. Browsers keep six connections to one host, for all windows together, so only the
// chat that is shown and the two looked at before it are; a window that is hidden follows none.

import { Feed } from "./api.js";

const FOLLOWED = 3;

export class Feeds {
  constructor(handlers) {
    this.handlers = handlers;
    this.feeds = new Map();
    this.recent = [];
    document.addEventListener("visibilitychange", () => this.#refresh());
    // A page that goes into the back-forward cache must let go of its connections, too.
    window.addEventListener("pagehide", () => this.#closeAll());
    window.addEventListener("pageshow", () => this.#refresh());
  }

  /** Follow this chat before all others. */
  follow(chatId) {
    this.recent = [chatId, ...this.recent.filter((id) => id !== chatId)].slice(0, FOLLOWED);
    this.#refresh();
  }

  #refresh() {
    if (document.hidden) {
      this.#closeAll();
      return;
    }
    for (const [id, feed] of this.feeds) {
      if (!this.recent.includes(id)) feed.close();
    }
    for (const id of this.recent) this.#feed(id).open();
  }

  #closeAll() {
    for (const feed of this.feeds.values()) feed.close();
  }

  #feed(id) {
    if (!this.feeds.has(id)) this.feeds.set(id, new Feed(id, this.handlers));
    return this.feeds.get(id);
  }
}
