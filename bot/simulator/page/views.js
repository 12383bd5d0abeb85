// On a phone one of three views is shown at a time; on a wide screen all are, and the tabs are not.

import { byId, el } from "./dom.js";

export class Views {
  constructor() {
    this.app = byId("app");
    this.tabs = new Map(Array.from(document.querySelectorAll(".tabs button"), (tab) => [tab.dataset.view, tab]));
    for (const [view, tab] of this.tabs) {
      tab.append(el("span", { class: "badge", hidden: true }));
      tab.addEventListener("click", () => this.show(view));
    }
    this.show("chat");
  }

  show(view) {
    this.app.dataset.view = view;
    for (const [name, tab] of this.tabs) {
      if (name === view) tab.setAttribute("aria-current", "page");
      else tab.removeAttribute("aria-current");
    }
    if (view === "trace") this.#badge("trace", "");
  }

  /** Show how many messages wait in other chats. */
  unread(count) {
    this.#badge("people", count ? String(Math.min(count, 99)) : "");
  }

  /** Show that a turn has happened which was not looked at. */
  news() {
    if (this.app.dataset.view !== "trace") this.#badge("trace", "•");
  }

  #badge(view, text) {
    const badge = this.tabs.get(view).querySelector(".badge");
    badge.textContent = text;
    badge.hidden = text === "";
  }
}
