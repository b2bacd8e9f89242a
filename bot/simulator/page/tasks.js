// Plans and task cards of a streamed answer → DOM nodes.

import { el, icon, link } from "./dom.js";
import { richText } from "./richtext.js";

const STATES = {
  pending: "Not started", in_progress: "In progress", complete: "Done", error: "Failed",
};

/** Details and output are texts in a stream and rich_text in a block. */
function words(value, directory) {
  if (!value) return null;
  if (typeof value === "string") return el("div", { class: "task-note" }, value);
  return el("div", { class: "task-note" }, richText(value, directory));
}

export function taskCard(card, directory) {
  const status = Object.hasOwn(STATES, card.status ?? "") ? card.status : "pending";
  const sources = (card.sources ?? []).map((source) =>
    el("li", {}, link(source.url, [source.text || source.url || ""])));
  return el("div", { class: `task task-${status}` },
    el("span", { class: "task-mark" }, icon(status === "complete" ? "check" : status === "error" ? "close" : "dot"),
      el("span", { class: "visually-hidden" }, `${STATES[status]}: `)),
    el("div", { class: "task-body" },
      el("div", { class: "task-title" }, String(card.title ?? "")),
      words(card.details, directory), words(card.output, directory),
      sources.length > 0 ? el("ul", { class: "task-sources", "aria-label": "Sources" }, ...sources) : null));
}

export function plan(block, directory) {
  return el("div", { class: "plan" },
    el("div", { class: "plan-title" }, String(block.title?.text ?? block.title ?? "")),
    ...(block.tasks ?? []).map((card) => taskCard(card, directory)));
}
