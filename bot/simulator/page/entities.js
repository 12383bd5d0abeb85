// Telegram's entities (offsets in UTF-16 units, as JavaScript counts) into elements around text nodes.

import { button, el } from "./dom.js";

const TAGS = {
  bold: "strong",
  italic: "em",
  underline: "u",
  strikethrough: "s",
  code: "code",
  pre: "pre",
  blockquote: "blockquote",
  expandable_blockquote: "blockquote",
};
const SAFE_LINK = /^(https?|mailto|tel|tg):/iu;

/** Return the nodes of a formatted text; `onCommand` gets a command that was pressed. */
export function formatted(text, entities, onCommand) {
  const outerFirst = [...(entities ?? [])].sort((a, b) => a.offset - b.offset || b.length - a.length);
  return between(text, 0, text.length, outerFirst, onCommand);
}

function between(text, start, end, entities, onCommand) {
  const nodes = [];
  let at = start;
  for (const entity of entities) {
    const last = Math.min(entity.offset + entity.length, end);
    if (entity.offset < at || last <= entity.offset) continue; // Inside one already done, or beyond the text.
    if (entity.offset > at) nodes.push(text.slice(at, entity.offset));
    const inner = entities.filter((other) => other !== entity && other.offset >= entity.offset && other.offset < last);
    const after = inner.filter((other) => entities.indexOf(other) > entities.indexOf(entity));
    const content = between(text, entity.offset, last, after, onCommand);
    nodes.push(wrapped(entity, text.slice(entity.offset, last), content, onCommand));
    at = last;
  }
  if (at < end) nodes.push(text.slice(at, end));
  return nodes;
}

function wrapped(entity, plain, content, onCommand) {
  if (TAGS[entity.type]) return el(TAGS[entity.type], {}, ...content);
  if (entity.type === "spoiler") return spoiler(content);
  if (entity.type === "bot_command") {
    return button(
      { class: "link", data: { testid: "command-link" }, on: { click: () => onCommand(plain) } },
      ...content,
    );
  }
  const address = addressOf(entity, plain);
  if (!address) return el("span", {}, ...content);
  return el("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, ...content);
}

function addressOf(entity, plain) {
  if (entity.type === "text_link") return SAFE_LINK.test(entity.url ?? "") ? entity.url : null;
  if (entity.type === "email") return `mailto:${plain}`;
  if (entity.type === "phone_number") return `tel:${plain}`;
  if (entity.type !== "url") return null;
  return /^https?:\/\//iu.test(plain) ? plain : `https://${plain}`;
}

function spoiler(content) {
  const reveal = (event) => {
    event.currentTarget.classList.add("shown");
    event.currentTarget.removeAttribute("aria-label");
  };
  return button({ class: "spoiler", "aria-label": "Hidden text", on: { click: reveal } }, ...content);
}
