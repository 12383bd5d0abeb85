// A menu that opens from a button: arrow keys move, Esc closes and gives the focus back, so does a click elsewhere.

import { button, el } from "./dom.js";

const STEPS = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };

export class Menu {
  /** `entries` is called at each opening and returns `{label, hint, icon, act, ...options}` objects. */
  constructor(opener, panel, label, entries) {
    this.opener = opener;
    this.panel = panel;
    this.entries = entries;
    panel.setAttribute("role", "menu");
    panel.setAttribute("aria-label", label);
    opener.setAttribute("aria-haspopup", "menu");
    opener.setAttribute("aria-expanded", "false");
    opener.setAttribute("aria-controls", panel.id);
    opener.addEventListener("click", () => (this.isOpen ? this.close() : this.open()));
    panel.addEventListener("keydown", (event) => this.#keyDown(event));
    document.addEventListener("pointerdown", (event) => this.#pressedElsewhere(event));
  }

  get isOpen() {
    return !this.panel.hidden;
  }

  open() {
    const entries = this.entries();
    const nodes = entries.length
      ? entries.map((entry) => this.#item(entry))
      : [el("p", { class: "menu-empty", text: "Nothing here yet." })];
    this.panel.replaceChildren(...nodes);
    this.#show(true);
    this.panel.querySelector("[role=menuitem]")?.focus();
  }

  close(giveBack = true) {
    if (!this.isOpen) return;
    this.#show(false);
    if (giveBack) this.opener.focus();
  }

  #show(open) {
    this.panel.hidden = !open;
    this.opener.setAttribute("aria-expanded", String(open));
  }

  #item({ label, hint, glyph, act, ...options }) {
    const choose = () => {
      this.close();
      act();
    };
    const text = el("span", { class: "menu-label", dir: "auto", text: label });
    const note = hint ? el("span", { class: "menu-hint", dir: "auto", text: hint }) : null;
    return button(
      { class: "menu-item", role: "menuitem", tabindex: "-1", on: { click: choose }, ...options },
      glyph,
      text,
      note,
    );
  }

  #keyDown(event) {
    if (event.key === "Escape") {
      event.stopPropagation();
      this.close();
    } else if (event.key === "Tab") this.close();
    else if (STEPS[event.key]) this.#move(event, STEPS[event.key]);
  }

  #move(event, step) {
    event.preventDefault();
    const items = Array.from(this.panel.querySelectorAll("[role=menuitem]"));
    const at = items.indexOf(document.activeElement);
    items[(at + step + items.length) % items.length]?.focus();
  }

  #pressedElsewhere(event) {
    if (this.isOpen && !this.panel.contains(event.target) && !this.opener.contains(event.target)) this.close(false);
  }
}
