// One message as an element: bubble, quote, photo, contact, time and ticks, and the buttons below it.

import { editable, isOwn, summary } from "./chat.js";
import { button, el, hiddenText, icon, isolated, paintAvatar } from "./dom.js";
import { formatted } from "./entities.js";
import { isoOf, runsRightToLeft, timeOf } from "./format.js";

/**
 * Return the `<article>` of a message.
 *
 * `actions` are the page's: reply, edit, press(message, button, element), command(text), jump(messageId).
 */
export function renderMessage(message, chat, actions) {
  const own = isOwn(message);
  const bubble = el(
    "div",
    { class: bubbleClass(message) },
    hiddenText(own ? "You: " : `${message.from.name}: `),
    quoteOf(message, chat, actions),
    ...contentOf(message, chat, actions),
    metaOf(message, own),
  );
  const article = el(
    "article",
    {
      class: own ? "message own" : "message",
      data: { testid: "message", messageId: message.message_id, from: own ? "me" : "bot" },
      on: { dblclick: (event) => doubleClicked(event, message, actions) },
    },
    el("div", { class: "line" }, bubble, toolsOf(message, own, actions)),
    inlineKeyboard(message, actions),
  );
  return article;
}

function bubbleClass(message) {
  if (message.sticker) return "bubble bare";
  return message.photo ? "bubble with-photo" : "bubble";
}

function doubleClicked(event, message, actions) {
  if (event.target.closest("button, a, p")) return; // On the text it selects a word.
  actions.reply(message);
}

function quoteOf(message, chat, actions) {
  if (message.reply_to === null || message.reply_to === undefined) return null;
  const original = chat.messages.get(message.reply_to);
  return button(
    { class: "quote", data: { testid: "quote" }, on: { click: () => actions.jump(message.reply_to) } },
    hiddenText("In reply to "),
    isolated(original ? (isOwn(original) ? "You" : original.from.name) : "Message", "quote-name"),
    isolated(original ? summary(original) : "no longer here", "quote-text"),
  );
}

function contentOf(message, chat, actions) {
  const parts = [];
  if (message.photo) parts.push(photoOf(message));
  if (message.sticker)
    parts.push(
      el("span", { class: "sticker", role: "img", "aria-label": `Sticker ${message.sticker}`, text: message.sticker }),
    );
  if (message.contact) parts.push(contactOf(message.contact));
  if (message.document) parts.push(el("p", { class: "file", text: `📄 ${message.document}` }));
  const text = message.text ?? message.caption;
  if (text) parts.push(textOf(text, message, chat, actions));
  return parts;
}

function textOf(text, message, chat, actions) {
  const lastLine = text.slice(text.lastIndexOf("\n") + 1);
  return el(
    "p",
    {
      class: runsRightToLeft(lastLine) ? "text ends-left" : "text",
      dir: "auto",
      lang: chat.person.language || null,
      data: { testid: "text" },
    },
    ...formatted(text, message.entities, actions.command),
    el("span", { class: "room", "aria-hidden": "true", data: { meta: timeText(message) } }),
  );
}

function photoOf(message) {
  const name = message.caption ? `Photo: ${message.caption}` : "Photo";
  const image = el("img", { class: "photo", src: message.photo, alt: name, loading: "lazy" });
  return el("a", { class: "photo-link", href: message.photo, target: "_blank", rel: "noopener" }, image);
}

function contactOf(contact) {
  const avatar = el("span", { class: "avatar", "aria-hidden": "true" });
  paintAvatar(avatar, contact.first_name ?? "", contact.user_id ?? 0);
  const name = isolated(contact.first_name ?? "", "contact-name");
  const phone = el("span", { class: "contact-phone", dir: "ltr", text: contact.phone_number });
  return el("div", { class: "contact", data: { testid: "contact" } }, avatar, el("div", {}, name, phone));
}

function metaOf(message, own) {
  const time = el("time", { datetime: isoOf(message.date), text: timeText(message) });
  const ticks = el("span", { class: "ticks" }, icon("check"), icon("check"), hiddenText(""));
  return el("span", { class: "meta" }, time, own ? ticks : null);
}

const timeText = (message) => (message.edited ? `edited ${timeOf(message.date)}` : timeOf(message.date));

/** Show whether the bot has reacted since: one tick or two. */
export function setTicks(article, answered) {
  const ticks = article.querySelector(".ticks");
  if (!ticks) return;
  ticks.classList.toggle("both", answered);
  ticks.querySelector(".visually-hidden").textContent = answered ? ", seen by the bot" : ", sent";
}

function toolsOf(message, own, actions) {
  const about = summary(message).slice(0, 40);
  const reply = tool("reply", `Reply to: ${about}`, () => actions.reply(message));
  const edit = own && editable(message) !== null ? tool("edit", `Edit: ${about}`, () => actions.edit(message)) : null;
  return el("div", { class: "tools" }, reply, edit);
}

function tool(name, label, act) {
  return button(
    {
      class: "round tiny",
      "aria-label": label,
      title: label.split(":")[0],
      data: { testid: name },
      on: { click: act },
    },
    icon(name),
  );
}

function inlineKeyboard(message, actions) {
  if (!message.inline_keyboard) return null;
  const rows = message.inline_keyboard.map((row) =>
    el("div", { class: "inline-row" }, ...row.map((item) => inlineButton(message, item, actions))),
  );
  return el("div", { class: "inline-keyboard", role: "group", "aria-label": "Buttons of this message" }, ...rows);
}

function inlineButton(message, item, actions) {
  const label = isolated(item.text);
  if (item.url && /^https?:/iu.test(item.url)) {
    return el(
      "a",
      { class: "inline-button", href: item.url, target: "_blank", rel: "noopener noreferrer" },
      label,
      "\u00a0↗",
    );
  }
  const press = (event) => actions.press(message, item, event.currentTarget);
  return button({ class: "inline-button", data: { testid: "inline-button" }, on: { click: press } }, label);
}
