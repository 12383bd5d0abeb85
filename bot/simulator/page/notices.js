// Short notices over the chat, and questions that want an answer first.

import { button, byId, el } from "./dom.js";

const SHOWN_MS = 4000;

/** Show a short notice; it goes by itself. */
export function toast(text, kind = "info") {
  const node = el("p", { class: `toast ${kind}`, dir: "auto", text, data: { testid: "toast" } });
  byId("toasts").append(node);
  window.setTimeout(() => node.remove(), SHOWN_MS);
}

/** Show a text that stays until it is acknowledged. */
export function alertDialog(text) {
  return ask(text, [{ label: "OK", value: true, testid: "dialog-ok" }]);
}

/** Ask; resolves to the chosen value, or to null after Esc. */
export function ask(text, choices) {
  const dialog = byId("dialog");
  return new Promise((resolve) => {
    const close = (value) => {
      dialog.returnValue = "";
      dialog.close();
      resolve(value);
    };
    const buttons = choices.map(({ label, value, testid, primary }) =>
      button({
        class: primary ? "primary" : "plain",
        text: label,
        data: { testid },
        on: { click: () => close(value) },
      }),
    );
    dialog.replaceChildren(
      el("p", { id: "dialog-text", dir: "auto", text }),
      el("div", { class: "dialog-buttons" }, ...buttons),
    );
    dialog.oncancel = () => resolve(null); // Esc.
    dialog.showModal();
    buttons.at(-1).focus();
  });
}
