// One turn of a chat, as a card.

import { el, isolated } from "./dom.js";
import { milliseconds, preciseTime, words } from "./format.js";

const TONES = {
  good: ["show", "confirm", "act", "done", "say"],
  warn: ["verify", "choose", "clarify", "handoff", "silent"],
  bad: ["order_system_down", "outcome_unknown", "credentials_wrong", "apologise"],
};
const TINTS = 8;

/** Return the card; `open` shows the JSON at once. */
export function turnOf(turn, open) {
  const stages = (turn.stages ?? []).filter((stage) => stage.name !== "total");
  const total = turn.stages?.find((stage) => stage.name === "total")?.ms ?? sum(stages);
  return el(
    "article",
    { class: "turn", data: { testid: "turn", turnId: turn.id }, "aria-label": `Turn at ${preciseTime(turn.at)}` },
    headOf(turn, total),
    decisionOf(turn),
    stages.length ? stagesOf(stages, total) : null,
    passedOf(turn.passed ?? []),
    actionOf(turn, open),
  );
}

const sum = (stages) => stages.reduce((all, stage) => all + (Number(stage.ms) || 0), 0);

function headOf(turn, total) {
  return el(
    "header",
    { class: "turn-head" },
    el("span", { class: "kind", text: words(turn.kind || "text") }),
    el("time", { datetime: turn.at, text: preciseTime(turn.at) }),
    el("span", { class: "turn-total", data: { testid: "turn-total" }, text: milliseconds(total) }),
  );
}

function decisionOf(turn) {
  const parts = [];
  if (turn.tier)
    parts.push(labelled("tier", el("span", { class: "mark tier", data: { testid: "turn-tier" }, text: turn.tier })));
  if (turn.action?.action)
    parts.push(labelled("action", el("span", { class: "mark", text: words(turn.action.action) })));
  if (turn.decision)
    parts.push(
      labelled(
        "decision",
        el("span", {
          class: `mark ${toneOf(turn.decision)}`,
          data: { testid: "turn-decision" },
          text: words(turn.decision),
        }),
      ),
    );
  return parts.length ? el("div", { class: "turn-marks" }, ...parts) : null;
}

const labelled = (name, node) => el("span", { class: "labelled" }, el("span", { class: "label", text: name }), node);

function toneOf(decision) {
  return Object.keys(TONES).find((tone) => TONES[tone].includes(decision)) ?? "";
}

function stagesOf(stages, total) {
  const bar = el("div", { class: "stage-bar", role: "img", "aria-label": `${milliseconds(total)} in all` });
  const list = el("ul", { class: "stage-list" });
  for (const [index, stage] of stages.entries()) {
    const tint = String(index % TINTS);
    const part = el("span", { data: { tint }, title: `${words(stage.name)}: ${milliseconds(stage.ms)}` });
    part.style.flexGrow = String(Math.max(Number(stage.ms) || 0, total / 200)); // Even the shortest can be seen.
    bar.append(part);
    list.append(
      el(
        "li",
        { data: { testid: "turn-stage", tint } },
        el("span", { class: "stage-name", text: words(stage.name) }),
        " ",
        el("span", { class: "stage-ms", text: milliseconds(stage.ms) }),
      ),
    );
  }
  return el("div", { class: "stages" }, bar, list);
}

function passedOf(passed) {
  if (passed.length === 0) return null;
  const items = passed.map((item) =>
    el(
      "li",
      { data: { testid: "turn-passed" } },
      el("span", { class: "mark quiet", text: item.tier }),
      el("span", { text: ` passed on: ${words(item.reason)} ` }),
      el("span", { class: "stage-ms", text: milliseconds(item.ms) }),
      item.detail ? isolated(item.detail, "passed-detail") : null,
    ),
  );
  return el("ul", { class: "passed", "aria-label": "Tiers that passed on" }, ...items);
}

function actionOf(turn, open) {
  if (!turn.action && !turn.raw) return null;
  const parts = [el("summary", { text: "JSON action" })];
  if (turn.action)
    parts.push(
      el(
        "pre",
        { data: { testid: "turn-action" }, dir: "ltr", tabindex: "0", "aria-label": "JSON action" },
        ...coloured(JSON.stringify(turn.action, null, 2)),
      ),
    );
  if (turn.raw && turn.raw !== JSON.stringify(turn.action)) {
    parts.push(el("p", { class: "label", text: "The tier's own words" }));
    parts.push(
      el("pre", {
        class: "raw",
        data: { testid: "turn-raw" },
        dir: "ltr",
        tabindex: "0",
        "aria-label": "The tier's own words",
        text: turn.raw,
      }),
    );
  }
  return el("details", { class: "action", open }, ...parts);
}

const JSON_TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null|-?\d+(?:\.\d+)?)\b/gu;

/** Pretty JSON as coloured text nodes. */
function coloured(text) {
  const nodes = [];
  let at = 0;
  for (const match of text.matchAll(JSON_TOKEN)) {
    const kind = match[2] ? "json-key" : match[1] ? "json-string" : "json-word";
    const token = match[1] ?? match[3];
    nodes.push(text.slice(at, match.index), el("span", { class: kind, text: token }));
    at = match.index + token.length;
  }
  return [...nodes, text.slice(at)];
}
