// The playground: one page, several people's Telegram, and what the bot did behind it.

import { api } from "./api.js";
import { Chat, isOwn } from "./chat.js";
import { ChatHeader } from "./header.js";
import { Composer } from "./composer.js";
import { byId } from "./dom.js";
import { Feeds } from "./feeds.js";
import { ReplyKeyboard, showOrders } from "./keyboards.js";
import { MessageLog } from "./log.js";
import { addMenus } from "./menus.js";
import { toast } from "./notices.js";
import { PeopleList } from "./people.js";
import { Presses } from "./presses.js";
import { TracePanel } from "./trace.js";
import { Views } from "./views.js";

const TYPING_MS = 6000;
const TITLE = document.title;
const RETRY_MS = 2000;

class Playground {
  constructor(state) {
    this.chats = new Map(state.people.map((person) => [person.id, new Chat(person)]));
    this.current = null;
    this.loadedAt = Math.floor(Date.now() / 1000);
    this.typingTimers = new Map();
    this.views = new Views();
    this.presses = new Presses();
    this.header = new ChatHeader(state.bot);
    this.people = new PeopleList(this.chats, (id) => this.choose(id));
    this.trace = new TracePanel(() => this.views.news());
    this.composer = new Composer({ send: (chat, draft) => this.send(chat, draft) });
    this.keyboard = new ReplyKeyboard({ text: (text) => this.say(text), shareContact: () => this.shareContact() });
    this.log = new MessageLog(this.#messageActions());
    this.feeds = new Feeds({
      onEvent: (...event) => this.#arrived(...event),
      onState: (id, connected) => this.#connection(id, connected),
    });
    addMenus(this);
    window.addEventListener("hashchange", () => this.#chooseByAddress());
  }

  start() {
    const admin = Array.from(this.chats.values()).find((chat) => chat.isAdmin);
    if (admin) this.feeds.follow(admin.id); // So that a handed-over customer shows at once.
    if (!this.#chooseByAddress()) this.choose(this.chats.keys().next().value, false);
  }

  /** Show a person's chat. */
  choose(id, show = true) {
    const chat = this.chats.get(id);
    if (!chat) return;
    if (show) this.views.show("chat");
    if (chat === this.current) return;
    this.current = chat;
    chat.unread = 0;
    history.replaceState(null, "", `#${id}`);
    this.people.select(id);
    this.people.update(chat);
    this.header.show(chat);
    this.log.show(chat);
    this.composer.show(chat);
    this.keyboard.show(chat);
    showOrders(chat.person, (number) => this.composer.insert(number));
    this.trace.show(chat);
    this.feeds.follow(id);
    this.#countUnread();
  }

  /** Write a text at once, as the person whose chat is shown. */
  say(text) {
    return this.#attempt(this.send(this.current, { text }));
  }

  async send(chat, { text, replyTo = null, editing = null, photo = null }) {
    if (editing) await api.edit(chat.id, editing.message_id, text);
    else if (photo) await api.photo(chat.id, photo, text);
    else await api.text(chat.id, text, replyTo);
    this.#expect(chat);
  }

  sticker(emoji) {
    return this.#act((chat) => api.sticker(chat.id, emoji));
  }

  async shareContact() {
    const chat = this.current;
    if (await this.header.confirmContact(chat)) await this.#act((current) => api.contact(current.id), chat);
  }

  /** Share somebody else's contact, which a bot must not take for the sender's own. */
  shareForeignContact() {
    const other = Array.from(this.chats.values()).find((chat) => chat !== this.current && chat.person.phone);
    if (!other) return toast("There is nobody else here.", "error");
    const { id, phone } = other.person;
    return this.#act((chat) => api.contact(chat.id, { own: false, phone, user_id: id }));
  }

  block() {
    const chat = this.current;
    return this.#act(async () => {
      await api.block(chat.id, !chat.blocked);
      chat.blocked = !chat.blocked;
      this.header.show(chat);
    });
  }

  #act(action, chat = this.current) {
    return this.#attempt(Promise.resolve(action(chat)).then(() => this.#expect(chat)));
  }

  async #attempt(work) {
    try {
      await work;
    } catch (error) {
      toast(error.message, "error");
    }
  }

  #expect(chat) {
    if (chat === this.current) this.trace.expect();
  }

  #messageActions() {
    return {
      reply: (message) => this.composer.replyTo(message),
      edit: (message) => this.composer.edit(message),
      command: (text) => this.say(text),
      jump: (messageId) => this.log.jump(messageId),
      press: (message, item, node) => {
        this.presses.press(this.current.id, message, item, node);
        this.trace.expect();
      },
    };
  }

  // --- what arrives ---------------------------------------------------------

  #arrived(chatId, type, data, restarted) {
    const chat = this.chats.get(chatId);
    if (restarted) this.#forget(chat);
    if (type === "message" || type === "edited") this.#message(chat, data.message, type === "message");
    else if (type === "deleted") this.#deleted(chat, data.message_id);
    else if (type === "typing" || type === "draft") this.#activity(chat, type, data);
    else if (type === "toast") this.presses.answered(data);
    else if (type === "commands") chat.commands = data.commands;
    this.header.update(chat);
  }

  #forget(chat) {
    chat.forget();
    if (chat !== this.current) return;
    this.log.show(chat);
    this.keyboard.show(chat);
    this.trace.show(chat);
  }

  #message(chat, message, isNew) {
    chat.put(message);
    const fresh = message.date >= this.loadedAt;
    if (chat === this.current) {
      this.log.put(message);
      if (message.reply_keyboard) this.keyboard.show(chat);
      if (!isOwn(message)) this.trace.poke();
    } else if (isNew && fresh && !isOwn(message)) chat.unread += 1;
    this.people.update(chat);
    this.#countUnread();
  }

  #deleted(chat, messageId) {
    chat.messages.delete(messageId);
    if (chat === this.current) this.log.remove(messageId);
    this.people.update(chat);
  }

  #activity(chat, type, data) {
    if (type === "typing") chat.startTyping();
    else chat.draft = data.text;
    window.clearTimeout(this.typingTimers.get(chat.id));
    this.typingTimers.set(
      chat.id,
      window.setTimeout(() => this.#rest(chat), type === "draft" ? 5 * TYPING_MS : TYPING_MS),
    );
    if (chat === this.current) this.log.settle();
  }

  #rest(chat) {
    chat.typing = false;
    chat.draft = "";
    this.header.update(chat);
    if (chat === this.current) this.log.settle();
  }

  #connection(chatId, connected) {
    const chat = this.chats.get(chatId);
    chat.connected = connected;
    this.header.update(chat);
    if (chat === this.current) this.log.settle();
  }

  #countUnread() {
    const unread = Array.from(this.chats.values()).reduce((all, chat) => all + chat.unread, 0);
    this.views.unread(unread);
    document.title = unread ? `(${unread}) ${TITLE}` : TITLE;
  }

  #chooseByAddress() {
    const id = Number(location.hash.slice(1));
    if (!this.chats.has(id)) return false;
    this.choose(id, false);
    return true;
  }
}

function showNotice(text) {
  const notice = byId("notice");
  byId("notice-text").textContent = text ?? "";
  byId("notice-close").addEventListener("click", () => (notice.hidden = true));
  notice.hidden = !text;
}

async function main() {
  try {
    const state = await api.state();
    showNotice(state.notice);
    if (state.people.length === 0) throw new Error("The simulator has no people.");
    new Playground(state).start();
    document.body.dataset.ready = "true";
  } catch (error) {
    byId("connection").textContent = error.message;
    window.setTimeout(main, RETRY_MS);
  }
}

main();
