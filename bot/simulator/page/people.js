// The list of people: whose phone the page holds in its hand.

import { summary } from "./chat.js";
import { button, byId, el, isolated, paintAvatar } from "./dom.js";
import { languageName, timeOf } from "./format.js";

// The shop comes first: what waits there must be seen however long the list of customers is.
const GROUPS = [
  ["admin", "The shop"],
  ["customer", "Customers"],
];

export class PeopleList {
  constructor(chats, choose) {
    this.rows = new Map();
    const list = byId("people-list");
    for (const [role, title] of GROUPS) {
      const members = Array.from(chats.values()).filter((chat) => chat.person.role === role);
      if (members.length === 0) continue;
      const id = `people-${role}`;
      const rows = members.map((chat) => el("li", {}, this.#row(chat, choose)));
      list.append(el("h2", { class: "people-title", id, text: title }), el("ul", { "aria-labelledby": id }, ...rows));
    }
  }

  #row(chat, choose) {
    const { person } = chat;
    const avatar = el("span", { class: "avatar", "aria-hidden": "true" });
    paintAvatar(avatar, person.name, person.id);
    const role = person.role === "admin" ? "Admin" : languageName(person.language);
    const row = button(
      {
        class: "person",
        data: { testid: "person", personId: person.id },
        title: person.name,
        on: { click: () => choose(person.id) },
      },
      avatar,
      el("span", { class: "person-words" }, ...this.#words(person, role)),
    );
    this.rows.set(person.id, row);
    return row;
  }

  #words(person, role) {
    const phone = person.phone ? el("span", { dir: "ltr", text: ` · ${person.phone}` }) : null;
    const badge = el("span", { class: "badge", data: { testid: "unread" }, hidden: true });
    return [
      el("span", { class: "person-top" }, isolated(person.name, "person-name"), el("time", { class: "person-time" })),
      el("span", { class: "person-facts" }, role, phone),
      el("span", { class: "person-bottom" }, isolated("", "person-last"), badge),
    ];
  }

  select(chatId) {
    for (const [id, row] of this.rows) {
      if (id === chatId) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
  }

  update(chat) {
    const row = this.rows.get(chat.id);
    const { last } = chat;
    row.querySelector(".person-last").textContent = last ? summary(last).slice(0, 120) : "";
    row.querySelector(".person-time").textContent = last ? timeOf(last.date) : "";
    const badge = row.querySelector(".badge");
    badge.hidden = chat.unread === 0;
    badge.replaceChildren(String(Math.min(chat.unread, 99)), el("span", { class: "visually-hidden", text: " unread" }));
  }
}
