// Small helpers around the document. Text always goes in as text nodes, never as HTML.

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

/**
 * Make an element. `options` holds `class`, `text`, `data` (dataset), `on` (listeners); everything else is an
 * attribute, left out when its value is null, undefined or false.
 */
export function el(tag, options = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") node.className = value;
    else if (name === "text") node.textContent = value;
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name === "on") listen(node, value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function listen(node, listeners) {
  for (const [type, listener] of Object.entries(listeners)) node.addEventListener(type, listener);
}

/** A button that never submits its form. `label` becomes the accessible name when the content is an icon only. */
export function button(options, ...children) {
  return el("button", { type: "button", ...options }, ...children);
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

export function hiddenText(text) {
  return el("span", { class: "visually-hidden", text });
}

/** Text of unknown language and direction, kept from turning its surroundings around. */
export function isolated(text, className = null) {
  return el("bdi", { class: className, text });
}

export function initials(name) {
  const words = name
    .trim()
    .split(/\s+/u)
    .filter((word) => /^[\p{L}\p{N}]/u.test(word));
  const letters = words.map((word) => Array.from(word)[0]);
  return letters.length > 1 ? letters[0] + letters[letters.length - 1] : letters[0] || "?";
}

export function paintAvatar(node, name, id) {
  node.textContent = initials(name).toLocaleUpperCase();
  node.dataset.tint = String(Math.abs(Number(id)) % 7);
}
