// Where the person writes: text, what it answers or edits, and a photo to go with it.

import { editable, isOwn, summary } from "./chat.js";
import { button, byId, el, icon, isolated } from "./dom.js";
import { toast } from "./notices.js";
import { thumbnail, whyNotPhoto } from "./photo.js";
import { Suggestions } from "./suggestions.js";

const MAX_HEIGHT_PX = 180;

export class Composer {
  /** `send(chat, draft)` delivers `{text, replyTo, editing, photo}` and rejects when it could not. */
  constructor({ send }) {
    this.send = send;
    this.chat = null;
    this.input = byId("composer-input");
    this.context = byId("context");
    this.suggestions = new Suggestions(this.input, (command) => this.#sendNow(command));
    this.#clearContext();
    this.#listen();
  }

  show(chat) {
    if (this.chat) this.chat.typed = this.input.value;
    this.chat = chat;
    this.#clearContext();
    this.#setText(chat.typed);
    this.suggestions.show(chat);
  }

  focus() {
    this.input.focus();
  }

  /** Put a text in at the caret, with a space where one is due. */
  insert(text) {
    const { selectionStart, selectionEnd, value } = this.input;
    const before = value.slice(0, selectionStart);
    const gap = before === "" || /\s$/u.test(before) ? "" : " ";
    this.input.setRangeText(gap + text, selectionStart, selectionEnd, "end");
    this.#changed();
    this.focus();
  }

  replyTo(message) {
    this.#clearContext();
    this.answers = message;
    const name = isOwn(message) ? "yourself" : message.from.name;
    this.#showContext(icon("reply"), `Reply to ${name}`, summary(message));
  }

  edit(message) {
    this.#clearContext();
    this.editing = message;
    this.#showContext(icon("edit"), "Edit message", editable(message));
    this.#setText(editable(message));
  }

  async attach(file) {
    const problem = whyNotPhoto(file);
    if (problem) {
      toast(problem, "error");
      return;
    }
    this.#clearContext();
    const preview = await thumbnail(file).catch(() => null); // A broken picture is the bot's to answer.
    this.photo = file;
    this.#showContext(preview ?? icon("photo"), "Photo", `${file.name} · ${Math.ceil(file.size / 1024)} KB`);
    this.input.placeholder = "Caption";
  }

  #listen() {
    byId("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.input.addEventListener("input", () => this.#changed());
    this.input.addEventListener("keydown", (event) => this.#keyDown(event));
    this.input.addEventListener("paste", (event) => this.#pasted(event));
    byId("photo-file").addEventListener("change", (event) => {
      const [file] = event.target.files;
      if (file) this.attach(file);
      event.target.value = ""; // So that the same photo can be chosen again.
    });
  }

  #keyDown(event) {
    if (event.isComposing || event.keyCode === 229) return; // An input method is still at work on this word.
    if (this.suggestions.keyDown(event)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#submit();
    } else if (event.key === "Escape") this.#cancel();
    else if (event.key === "ArrowUp" && this.input.value === "" && this.chat.lastOwn) {
      event.preventDefault();
      this.edit(this.chat.lastOwn);
    }
  }

  #pasted(event) {
    const file = Array.from(event.clipboardData?.files ?? [])[0];
    if (!file) return;
    event.preventDefault();
    this.attach(file);
  }

  #sendNow(text) {
    this.#setText(text);
    this.#submit();
  }

  async #submit() {
    const text = this.input.value;
    const { chat, answers, editing, photo } = this;
    if (!text.trim() && !photo) return;
    this.#clearContext();
    this.#setText("");
    try {
      await this.send(chat, { text, replyTo: answers?.message_id ?? null, editing, photo });
    } catch (error) {
      toast(error.message, "error");
      if (this.chat === chat && this.input.value === "") this.#setText(text); // Nothing that was written gets lost.
    }
  }

  #cancel() {
    if (this.editing) this.#setText("");
    this.#clearContext();
  }

  #showContext(glyph, title, text) {
    const cancel = button(
      {
        class: "round small",
        "aria-label": "Cancel",
        data: { testid: "context-cancel" },
        on: { click: () => this.#cancelAndFocus() },
      },
      icon("close"),
    );
    const words = el(
      "div",
      { class: "context-words" },
      isolated(title, "context-title"),
      isolated(text ?? "", "context-text"),
    );
    this.context.replaceChildren(glyph, words, cancel);
    this.context.hidden = false;
    this.focus();
  }

  #cancelAndFocus() {
    this.#cancel();
    this.focus();
  }

  #clearContext() {
    this.answers = null;
    this.editing = null;
    this.photo = null;
    this.input.placeholder = "Message";
    this.context.replaceChildren();
    this.context.hidden = true;
  }

  #setText(text) {
    this.input.value = text;
    this.#changed();
  }

  #changed() {
    this.input.style.height = "auto";
    this.input.style.height = `${Math.min(this.input.scrollHeight, MAX_HEIGHT_PX)}px`;
    this.suggestions.update();
  }
}
