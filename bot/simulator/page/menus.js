// The menus around the composer and in the chat's head.

import { byId, icon } from "./dom.js";
import { Menu } from "./menu.js";
import { phrasesFor, STICKERS } from "./phrases.js";

/** Fill the menus; `page` is the Playground. */
export function addMenus(page) {
  const commands = () =>
    page.current.commands.map(({ command, description }) => ({
      label: `/${command}`,
      hint: description,
      act: () => page.say(`/${command}`),
      "data-testid": "menu-command",
    }));
  const phrases = () =>
    phrasesFor(page.current.person).map((phrase) => ({
      label: phrase,
      act: () => page.say(phrase),
      "data-testid": "phrase",
      lang: page.current.person.language || null,
    }));
  const stickers = () =>
    STICKERS.map((emoji) => ({ label: emoji, act: () => page.sticker(emoji), "data-testid": "sticker" }));
  const attachments = () => [
    { label: "Photo", glyph: icon("photo"), act: () => byId("photo-file").click(), "data-testid": "attach-photo" },
    { label: "My contact", glyph: icon("contact"), act: () => page.shareContact(), "data-testid": "attach-contact" },
    {
      label: "Somebody else's contact",
      glyph: icon("people"),
      act: () => page.shareForeignContact(),
      "data-testid": "attach-foreign-contact",
    },
  ];
  const more = () => [
    {
      label: page.current.blocked ? "Unblock the bot" : "Block the bot",
      act: () => page.block(),
      "data-testid": "block",
    },
  ];
  new Menu(byId("commands-button"), byId("commands-menu"), "Commands of the bot", commands);
  new Menu(byId("phrases-button"), byId("phrases-menu"), "Examples to try", phrases);
  new Menu(byId("stickers-button"), byId("stickers-menu"), "Stickers", stickers);
  new Menu(byId("attach-button"), byId("attach-menu"), "Attach", attachments);
  new Menu(byId("more-button"), byId("more-menu"), "More", more);
}
