// Block Kit → DOM nodes. `context` gives the directory, `onAction` and what was pressed before.

import { el, icon, link, safeAddress } from "./dom.js";
import { confirmed } from "./dialog.js";
import { emoji } from "./emoji.js";
import { markdown } from "./markdown.js";
import { mrkdwn } from "./mrkdwn.js";
import { richText, tableBlock } from "./richtext.js";

/** A plain_text or mrkdwn text object. */
function textObject(text, directory) {
  if (!text) return "";
  if (text.type === "mrkdwn") return mrkdwn(text.text, directory, !text.verbatim);
  return el("span", { class: "plain", dir: "auto" }, plain(text));
}

const plain = (text) =>
  String(text?.text ?? "").replace(/:([a-z0-9_+-]+):/g, (_, name) => emoji(name));

function imageText(element) {
  return el("span", { class: "image-text" }, `Image: ${element.alt_text || "no description"}`);
}

function act(element, block, context, value) {
  return context.onAction({
    block_id: block.block_id ?? "",
    action_id: element.action_id ?? "",
    ...(value === undefined ? {} : { value }),
  });
}

async function press(target, element, block, context) {
  if (element.confirm && !(await confirmed(element.confirm))) return;
  target.setAttribute("aria-busy", "true");
  await act(element, block, context, element.value);
  target.removeAttribute("aria-busy");
}

function button(element, block, context) {
  const style = ["primary", "danger"].includes(element.style) ? ` ${element.style}` : "";
  const attributes = {
    class: `button${style}`,
    "aria-label": element.accessibility_label ?? null,
    "data-key": `${block.block_id}/${element.action_id}`,
  };
  if (element.url && safeAddress(element.url)) {
    const onclick = () => act(element, block, context, element.value);
    return link(element.url, [plain(element.text)], { ...attributes, onclick });
  }
  const onclick = ({ currentTarget }) => press(currentTarget, element, block, context);
  return el("button", { type: "button", ...attributes, onclick }, plain(element.text));
}

/** 👍 and 👎: the one chosen stays pressed; a second press on it does nothing, as in Slack. */
function feedback(element, block, context) {
  const key = `${block.block_id}/${element.action_id}`;
  const make = (choice, name) => {
    const label = choice?.accessibility_label || plain(choice?.text) || name;
    const onclick = async ({ currentTarget }) => {
      if (currentTarget.getAttribute("aria-pressed") === "true") return;
      if (await act(element, block, context, choice?.value)) {
        context.pressed.set(key, name);
        const row = currentTarget.parentElement;
        for (const each of row.children) each.setAttribute("aria-pressed", String(each === currentTarget));
      }
    };
    return el("button", {
      type: "button",
      class: "thumb",
      title: plain(choice?.text) || label,
      "aria-label": label,
      "aria-pressed": String(context.pressed.get(key) === name),
      "data-key": `${key}/${name}`,
      onclick,
    }, icon(name));
  };
  return el("div", { class: "thumbs", role: "group", "aria-label": "Rate this answer" },
    make(element.positive_button, "up"), make(element.negative_button, "down"));
}

function iconButton(element, block, context) {
  const shownTo = element.visible_to_user_ids;
  if (Array.isArray(shownTo) && !shownTo.includes(context.directory.me)) return null;
  return button({ ...element, text: element.text ?? { text: element.icon } }, block, context);
}

function element(item, block, context) {
  switch (item?.type) {
    case "button":
    case "workflow_button": return button(item, block, context);
    case "feedback_buttons": return feedback(item, block, context);
    case "icon_button": return iconButton(item, block, context);
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
  const body = el("div", { class: "section-body" },
    block.text ? textObject(block.text, directory) : null,
    fields.length > 0 ? el("div", { class: "fields" }, ...fields) : null);
  const accessory = block.accessory
    ? el("div", { class: "accessory" }, element(block.accessory, block, context))
    : null;
  return el("div", { class: "section" }, body, accessory);
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
    default: return unknown(item?.type);
  }
}

export function renderBlocks(items, context) {
  return el("div", { class: "blocks" }, ...items.map((item) => block(item, context)));
}
