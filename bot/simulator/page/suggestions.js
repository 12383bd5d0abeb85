// The commands that fit what has been typed after "/".

import { byId, el } from "./dom.js";

export class Suggestions {
  constructor(input, choose) {
    this.input = input;
    this.choose = choose;
    this.list = byId("suggestions");
    this.commands = () => [];
    this.active = -1;
    input.addEventListener("blur", () => this.#hide());
    input.addEventListener("focus", () => this.update());
  }

  show(chat) {
    this.commands = () => chat.commands;
    this.update();
  }

  update() {
    const [, typed] = /^\/([a-z0-9_]*)$/iu.exec(this.input.value) ?? [];
    const focused = document.activeElement === this.input;
    const fitting =
      typed === undefined || !focused
        ? []
        : this.commands().filter(({ command }) => command.startsWith(typed.toLowerCase()));
    this.list.replaceChildren(...fitting.map((item, index) => this.#option(item, index)));
    this.list.hidden = fitting.length === 0;
    this.#activate(-1);
  }

  /** Deal with a key; true when nobody else should. */
  keyDown(event) {
    if (this.list.hidden) return false;
    const count = this.list.children.length;
    if (event.key === "ArrowDown") this.#activate((this.active + 1) % count);
    else if (event.key === "ArrowUp") this.#activate((Math.max(this.active, 0) + count - 1) % count);
    else if (event.key === "Escape") this.#hide();
    else if (event.key === "Tab" && !event.shiftKey) this.#complete();
    else if (event.key === "Enter" && this.active >= 0) this.list.children[this.active].click();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  #option({ command, description }, index) {
    const take = () => {
      this.#hide();
      this.choose(`/${command}`);
    };
    // Pressing must not take the focus out of the field first.
    const on = { click: take, mousedown: (event) => event.preventDefault() };
    return el(
      "div",
      {
        class: "suggestion",
        id: `suggestion-${index}`,
        role: "option",
        "aria-selected": "false",
        data: { testid: "suggestion" },
        on,
      },
      el("b", { text: `/${command}` }),
      el("span", { dir: "auto", text: description }),
    );
  }

  #complete() {
    const chosen = this.list.children[Math.max(this.active, 0)];
    this.input.value = `${chosen.querySelector("b").textContent} `;
    this.#hide();
  }

  #activate(index) {
    this.active = index;
    for (const [at, option] of Array.from(this.list.children).entries()) {
      option.setAttribute("aria-selected", String(at === index));
    }
    if (index < 0) this.input.removeAttribute("aria-activedescendant");
    else {
      this.input.setAttribute("aria-activedescendant", `suggestion-${index}`);
      this.list.children[index].scrollIntoView({ block: "nearest" });
    }
  }

  #hide() {
    this.list.hidden = true;
    this.#activate(-1);
  }
}
