// What a person has chosen and typed in the inputs of a view or message, before anyone is told.
//
// A wish is a text, the value of an option, an id, a list of those, or null: what /sim takes.

const FIELDS = {
  static_select: "option", radio_buttons: "option", multi_static_select: "options", checkboxes: "options",
  users_select: "user", multi_users_select: "users", channels_select: "channel",
  multi_channels_select: "channels", conversations_select: "conversation",
  multi_conversations_select: "conversations", datepicker: "date", timepicker: "time",
};
const TYPED = ["plain_text_input", "email_text_input", "url_text_input", "number_input"];

export const isInput = (element) =>
  Object.hasOwn(FIELDS, element?.type ?? "") || TYPED.includes(element?.type);

export const isTyped = (element) => TYPED.includes(element.type);

export const isMany = (element) => element.type === "checkboxes" || element.type.startsWith("multi_");

export const keyOf = (block, element) => `${block.block_id}/${element.action_id}`;

export function optionsOf(element) {
  return [...(element.options ?? []), ...(element.option_groups ?? []).flatMap((group) => group.options ?? [])];
}

/** What stands in an element: what this person did last, else what the bot or Slack says. */
export function wishOf(block, element, { wishes, state }) {
  const key = keyOf(block, element);
  const known = wishes?.has(key) ? wishes.get(key) : told(block, element, state);
  if (!element.options && !element.option_groups) return known;
  const values = optionsOf(element).map((option) => option.value);
  if (isMany(element)) return known.filter((value) => values.includes(value));
  return values.includes(known) ? known : null;
}

function told(block, element, state) {
  const kept = state?.values?.[block.block_id]?.[element.action_id];
  if (isTyped(element)) return (kept ? kept.value : element.initial_value) ?? "";
  const field = FIELDS[element.type];
  const found = kept ? kept[`selected_${field}`] : element[`initial_${field}`];
  if (isMany(element)) return (found ?? []).map((each) => each.value ?? each);
  return found?.value ?? found ?? null;
}

/** The wishes of every input of a view, by block_id and action_id. */
export function collected(view, context) {
  const values = {};
  for (const block of view.blocks) {
    for (const element of [...(block.elements ?? []), block.accessory, block.element]) {
      if (!isInput(element)) continue;
      values[block.block_id] ??= {};
      values[block.block_id][element.action_id] = wishOf(block, element, context);
    }
  }
  return values;
}
