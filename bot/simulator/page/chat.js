// What the page knows of one chat, grown from its events.

export class Chat {
  constructor(person) {
    this.person = person;
    this.typed = ""; // What stands in the composer while another chat is shown.
    this.blocked = false;
    this.connected = null; // Not known yet.
    this.forget();
  }

  /** Start over: the simulator behind it is a new one. */
  forget() {
    this.messages = new Map();
    this.commands = [];
    this.keyboard = null;
    this.keyboardUsed = false;
    this.draft = "";
    this.typing = false;
    this.unread = 0;
    this.answeredUpTo = 0;
  }

  get id() {
    return this.person.id;
  }

  get isAdmin() {
    return this.person.role === "admin";
  }

  get last() {
    return Array.from(this.messages.values()).at(-1) ?? null;
  }

  get lastOwn() {
    return (
      Array.from(this.messages.values()).findLast((message) => isOwn(message) && editable(message) !== null) ?? null
    );
  }

  put(message) {
    this.messages.set(message.message_id, message);
    if (message.reply_keyboard) this.#setKeyboard(message.reply_keyboard);
    if (message.from.is_bot) this.#botReacted(message.message_id);
  }

  startTyping() {
    this.#botReacted((this.last?.message_id ?? 0) + 1);
    this.typing = true;
  }

  /** Mark everything said before as seen by the bot. */
  #botReacted(messageId) {
    this.answeredUpTo = Math.max(this.answeredUpTo, messageId);
    this.typing = false;
    this.draft = "";
  }

  #setKeyboard(keyboard) {
    this.keyboard = keyboard.remove ? null : keyboard;
    this.keyboardUsed = false;
  }
}

export const isOwn = (message) => !message.from.is_bot;

/** What of a message can be edited: its text or its caption, or null. */
export const editable = (message) => message.text ?? message.caption;

/** A message in one line, for the list of people and for quotes. */
export function summary(message) {
  if (message.text) return message.text;
  if (message.caption) return message.caption;
  if (message.photo) return "Photo";
  if (message.sticker) return `${message.sticker} Sticker`;
  if (message.contact) return "Contact";
  return message.document ? `File: ${message.document}` : "Message";
}
