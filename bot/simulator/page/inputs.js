// Elements that keep a choice or a text: in views until they are submitted, elsewhere told at once.

import { act, plain } from "./buttons.js";
import { el } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";
import { isMany, isTyped, keyOf, optionsOf, wishOf } from "./wishes.js";

const INPUT_TYPES = {
  plain_text_input: "text", email_text_input: "email", url_text_input: "url", number_input: "number",
  datepicker: "date", timepicker: "time",
};
const CONVERSATION_KINDS = { public: "public", private: "private", external: "public", im: "im" };
const FEW_LINES = 4;

let idCount = 0;
export const newId = () => `input-${(idCount += 1)}`;

/** `names`: the label and what describes the element, as aria attributes; `isTold`: at once. */
export function input(element, block, context, names, isTold) {
  const key = keyOf(block, element);
  const choose = (wish) => {
    context.wishes?.set(key, wish);
    if (isTold) act(element, block, context, wish);
  };
  const shared = { ...names, "data-key": key, "data-autofocus": element.focus_on_load === true };
  const wish = wishOf(block, element, context);
  if (isTyped(element)) return typed(element, wish, shared, context, key, isTold ? choose : null);
  if (element.type === "datepicker" || element.type === "timepicker") {
    const onchange = ({ target }) => choose(target.value || null);
    return el("input", { class: "field", type: INPUT_TYPES[element.type], value: wish, ...shared, onchange });
  }
  if (element.type === "radio_buttons") return choices(element, "radio", [wish], shared, choose, context);
  if (isMany(element)) return several(element, wish, shared, choose, context);
  return select(element, wish, shared, choose, context);
}

function typed(element, wish, shared, context, key, tell) {
  const when = element.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"];
  const onkeydown = (event) => {
    if (!tell || event.key !== "Enter" || event.shiftKey || !when.includes("on_enter_pressed")) return;
    event.preventDefault();
    tell(event.target.value);
  };
  const oninput = ({ target }) => {
    context.wishes?.set(key, target.value);
    if (tell && when.includes("on_character_entered")) tell(target.value);
  };
  const attributes = { class: "field", placeholder: plain(element.placeholder) || null, ...shared, oninput };
  if (element.multiline) {
    const area = el("textarea", { rows: FEW_LINES, ...attributes });
    area.value = wish;
    return area;
  }
  return el("input", { type: INPUT_TYPES[element.type], value: wish, onkeydown, ...attributes });
}

/** What can be chosen: the element's options, or the people and channels that this person sees. */
function offered(element, directory) {
  if (element.type.includes("users")) {
    return directory.people.map((user) => option(user.id, directory.displayName(user)));
  }
  if (!element.type.includes("conversations") && !element.type.includes("channels")) return optionsOf(element);
  const wanted = element.filter?.include ?? (element.type.includes("channels_") ? ["public"] : null);
  const hasExternal = !element.filter?.exclude_external_shared_channels;
  return [...directory.channels.values()]
    .filter(({ kind }) => !wanted || wanted.includes(CONVERSATION_KINDS[kind]))
    .filter(({ kind }) => kind !== "external" || hasExternal)
    .map(({ id, kind }) => option(id, `${kind === "im" ? "" : "#"}${directory.channelName(id)}`));
}

const option = (value, text) => ({ value, text: { type: "plain_text", text } });

function select(element, wish, shared, choose, context) {
  const make = (each) => el("option", { value: each.value }, plain(each.text));
  const groups = element.option_groups
    ? element.option_groups.map((group) =>
      el("optgroup", { label: plain(group.label) }, ...(group.options ?? []).map(make)))
    : offered(element, context.directory).map(make);
  const onchange = ({ target }) => choose(target.value || null);
  const node = el("select", { class: "field", ...shared, onchange },
    el("option", { value: "" }, plain(element.placeholder) || "Choose…"), ...groups);
  node.value = wish ?? "";
  return node;
}

function several(element, wish, shared, choose, context) {
  const listed = { ...element, options: offered(element, context.directory) };
  const node = choices(listed, "checkbox", wish, shared, choose, context);
  if (element.type !== "checkboxes") node.classList.add("choices-boxed");
  return node;
}

/** Radio buttons or checkboxes, as one group; a choice is a value or the list of those ticked. */
function choices(element, type, chosen, shared, choose, context) {
  const { "data-key": key, "data-autofocus": isFirst, ...names } = shared;
  const name = newId();
  const onchange = ({ currentTarget }) => {
    const ticked = [...currentTarget.querySelectorAll("input:checked")].map((each) => each.value);
    choose(type === "radio" ? ticked[0] : ticked);
  };
  return el("div", { class: "choices", role: type === "radio" ? "radiogroup" : "group", ...names, onchange },
    ...element.options.map((each, index) => {
      const note = each.description ? words(each.description, context.directory) : null;
      const node = el("input", {
        type, name, value: each.value, checked: chosen.includes(each.value),
        "data-key": `${key}/${each.value}`, "data-autofocus": isFirst && index === 0,
      });
      return el("label", { class: "choice" }, node,
        el("span", {}, words(each.text, context.directory),
          note ? el("span", { class: "choice-note" }, note) : null));
    }));
}

const words = (text, directory) =>
  (text?.type === "mrkdwn" ? mrkdwn(text.text, directory) : el("span", {}, plain(text)));
