// Elements that are pressed: buttons, links, thumbs and the overflow menu.

import { confirmed } from "./dialog.js";
import { el, icon, link, safeAddress } from "./dom.js";
import { emoji } from "./emoji.js";
import { toggleMenu } from "./menu.js";
import { keyOf } from "./wishes.js";

/** A plain_text object as a text. */
export const plain = (text) =>
  String(text?.text ?? "").replace(/:([a-z0-9_+-]+):/g, (_, name) => emoji(name));

/** Tell the bot; resolves to whether it went out. */
export function act(element, block, context, value) {
  return context.onAction({
    block_id: block.block_id ?? "",
    action_id: element.action_id ?? "",
    ...(value === undefined ? {} : { value }),
  });
}

async function press(target, element, block, context) {
  if (target.getAttribute("aria-busy") === "true") return;
  if (element.confirm && !(await confirmed(element.confirm))) return;
  target.setAttribute("aria-busy", "true");
  await act(element, block, context, element.value);
  target.removeAttribute("aria-busy");
}

export function button(element, block, context) {
  const style = ["primary", "danger"].includes(element.style) ? ` ${element.style}` : "";
  const attributes = {
    class: `button${style}`,
    "aria-label": element.accessibility_label ?? null,
    "data-key": keyOf(block, element),
  };
  if (element.url && safeAddress(element.url)) {
    const onclick = () => act(element, block, context, element.value);
    return link(element.url, [plain(element.text)], { ...attributes, onclick });
  }
  const onclick = ({ currentTarget }) => press(currentTarget, element, block, context);
  return el("button", { type: "button", ...attributes, onclick }, plain(element.text));
}

/** 👍 and 👎: the one chosen stays pressed; a second press on it does nothing, as in Slack. */
export function feedback(element, block, context) {
  const key = keyOf(block, element);
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

export function iconButton(element, block, context) {
  const shownTo = element.visible_to_user_ids;
  if (Array.isArray(shownTo) && !shownTo.includes(context.directory.me)) return null;
  return button({ ...element, text: element.text ?? { text: element.icon } }, block, context);
}

/** ⋯ and its options; one with an address opens it as well. */
export function overflow(element, block, context) {
  const choose = async (option) => {
    const address = safeAddress(option.url ?? "");
    if (address) window.open(address, "_blank", "noopener,noreferrer");
    if (element.confirm && !(await confirmed(element.confirm))) return;
    await act(element, block, context, option.value);
  };
  const items = (element.options ?? []).map((option) => ({
    title: plain(option.text), note: plain(option.description), run: () => choose(option),
  }));
  return el("button", {
    type: "button", class: "button overflow", "aria-haspopup": "menu", "aria-expanded": "false",
    "aria-label": "More options", "data-key": keyOf(block, element),
    onclick: ({ currentTarget }) => toggleMenu(currentTarget, "More options", items),
  }, icon("more"));
}
