// Block Kit → DOM nodes. `context` gives the directory, `onAction`, and what was pressed and chosen:
// `pressed` (thumbs), `wishes` and `state` (inputs, see wishes.js), `errors` by block_id.

import { button, feedback, iconButton, overflow, plain } from "./buttons.js";
import { el } from "./dom.js";
import { input, newId } from "./inputs.js";
import { markdown } from "./markdown.js";
import { mrkdwn } from "./mrkdwn.js";
import { richText, tableBlock } from "./richtext.js";
import { plan, taskCard } from "./tasks.js";
import { isInput, isMany } from "./wishes.js";

/** A plain_text or mrkdwn text object. */
function textObject(text, directory) {
  if (!text) return "";
  if (text.type === "mrkdwn") return mrkdwn(text.text, directory, !text.verbatim);
  return el("span", { class: "plain", dir: "auto" }, plain(text));
}

function imageText(element) {
  return el("span", { class: "image-text" }, `Image: ${element.alt_text || "no description"}`);
}

function element(item, block, context, names = {}) {
  if (isInput(item)) {
    const label = plain(item.placeholder) || "Choose";
    return input(item, block, context, "aria-labelledby" in names ? names : { "aria-label": label }, true);
  }
  switch (item?.type) {
    case "button":
    case "workflow_button": return button(item, block, context);
    case "feedback_buttons": return feedback(item, block, context);
    case "icon_button": return iconButton(item, block, context);
    case "overflow": return overflow(item, block, context);
    case "image": return imageText(item);
    case "plain_text":
    case "mrkdwn": return textObject(item, context.directory);
    default: return unknown(item?.type);
  }
}

const unknown = (type) =>
  el("p", { class: "unknown" }, `The local Slack does not show “${type ?? "?"}”.`);

const elements = (block, context) => (block.elements ?? []).map((item) => element(item, block, context));

function section(block, context) {
  const { directory } = context;
  const fields = (block.fields ?? []).map((field) => el("div", {}, textObject(field, directory)));
  const named = isInput(block.accessory) && block.text ? newId() : null;
  const text = block.text ? textObject(block.text, directory) : null;
  if (named) text.id = named;
  const body = el("div", { class: "section-body" }, text,
    fields.length > 0 ? el("div", { class: "fields" }, ...fields) : null);
  const accessory = block.accessory
    ? el("div", { class: "accessory" },
      element(block.accessory, block, context, named ? { "aria-labelledby": named } : {}))
    : null;
  return el("div", { class: "section" }, body, accessory);
}

const isGroup = (item) => item?.type === "radio_buttons" || isMany(item);

/** A label, an element, a hint, and what is wrong with it. */
function inputBlock(block, context) {
  if (!isInput(block.element)) return unknown(block.element?.type);
  const [id, labelId, hintId, errorId] = [newId(), newId(), newId(), newId()];
  const error = context.errors?.[block.block_id];
  const described = [block.hint && hintId, error && errorId].filter(Boolean).join(" ");
  const names = {
    id,
    "aria-labelledby": labelId,
    "aria-describedby": described || null,
    "aria-invalid": error ? "true" : null,
    "aria-required": block.optional ? null : "true",
  };
  const label = el(isGroup(block.element) ? "div" : "label",
    { class: "input-label", id: labelId, for: isGroup(block.element) ? null : id },
    plain(block.label), block.optional ? el("span", { class: "optional" }, " (optional)") : null);
  return el("div", { class: error ? "input-block invalid" : "input-block" },
    label,
    input(block.element, block, context, names, block.dispatch_action === true),
    error ? el("p", { class: "input-error", id: errorId }, error) : null,
    block.hint ? el("p", { class: "input-hint", id: hintId }, plain(block.hint)) : null);
}

/** One block; an unknown type says so instead of vanishing. */
function block(item, context) {
  const { directory } = context;
  switch (item?.type) {
    case "section": return section(item, context);
    case "markdown": return markdown(item.text, directory);
    case "rich_text": return richText(item, directory);
    case "table": return tableBlock(item, directory);
    case "header": return el("h3", { class: "header-block" }, plain(item.text));
    case "divider": return el("hr");
    case "context": return el("div", { class: "context" }, ...elements(item, context));
    case "actions": return el("div", { class: "actions" }, ...elements(item, context));
    case "context_actions": return el("div", { class: "actions" }, ...elements(item, context));
    case "image": return el("p", {}, imageText(item));
    case "input": return inputBlock(item, context);
    case "task_card": return taskCard(item, directory);
    case "plan": return plan(item, directory);
    default: return unknown(item?.type);
  }
}

export function renderBlocks(items, context) {
  return el("div", { class: "blocks" }, ...items.map((item) => block(item, context)));
}
