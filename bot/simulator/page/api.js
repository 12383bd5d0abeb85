// The playground's JSON and its event streams.

/** What the server refused, in its own sentence. */
export class Refused extends Error {}

async function call(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { cache: "no-store", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("The simulator cannot be reached. Is it still running?");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(answer.error || `The simulator answered ${response.status}.`);
  return answer;
}

function post(chatId, what, body) {
  const headers = { "Content-Type": "application/json" };
  return call(`/playground/chats/${chatId}/${what}`, { method: "POST", headers, body: JSON.stringify(body) });
}

export const api = {
  state: () => call("/playground/state"),
  text: (chatId, text, replyTo = null) =>
    post(chatId, "text", replyTo === null ? { text } : { text, reply_to: replyTo }),
  edit: (chatId, messageId, text) => post(chatId, "edit", { message_id: messageId, text }),
  press: (chatId, messageId, data) => post(chatId, "press", { message_id: messageId, data }),
  contact: (chatId, contact = { own: true }) => post(chatId, "contact", contact),
  sticker: (chatId, emoji) => post(chatId, "sticker", { emoji }),
  block: (chatId, blocked) => post(chatId, "block", { blocked }),
  trace: (chatId, signal) => call(`/playground/chats/${chatId}/trace`, { signal }),
  photo(chatId, file, caption) {
    const body = new FormData();
    body.append("file", file, file.name);
    if (caption) body.append("caption", caption);
    return call(`/playground/chats/${chatId}/photo`, { method: "POST", body });
  },
};

const EVENT_TYPES = ["message", "edited", "deleted", "typing", "toast", "commands", "draft"];
const RETRY_MS = 1500;

/**
 * One chat's events. The browser reconnects by itself with Last-Event-ID; when it gives up (the server answered
 * with an error), a new stream starts after the last event seen.
 */
export class Feed {
  constructor(chatId, { onEvent, onState }) {
    this.chatId = chatId;
    this.onEvent = onEvent;
    this.onState = onState;
    this.lastSeq = 0;
    this.source = null;
    this.timer = null;
  }

  get isOpen() {
    return this.source !== null || this.timer !== null;
  }

  open() {
    if (this.isOpen) return;
    this.source = new EventSource(`/playground/chats/${this.chatId}/events?after=${this.lastSeq}`);
    this.source.addEventListener("open", () => this.onState(this.chatId, true));
    this.source.addEventListener("error", () => this.#lost());
    for (const type of EVENT_TYPES) {
      this.source.addEventListener(type, (event) => this.#arrived(type, event));
    }
  }

  close() {
    this.source?.close();
    window.clearTimeout(this.timer);
    this.source = null;
    this.timer = null;
  }

  #arrived(type, event) {
    const seq = Number(event.lastEventId) || 0;
    // A number that goes back means that the simulator was started anew: what was shown before is gone there.
    const restarted = seq !== 0 && seq <= this.lastSeq;
    this.lastSeq = seq || this.lastSeq;
    this.onEvent(this.chatId, type, JSON.parse(event.data), restarted);
  }

  #lost() {
    this.onState(this.chatId, false);
    if (this.source?.readyState !== EventSource.CLOSED) return;
    this.close();
    this.timer = window.setTimeout(() => {
      this.timer = null;
      this.open();
    }, RETRY_MS);
  }
}
