// The popup above a message field: slash commands at its start, people after an @.

import { el } from "./dom.js";

const MAX_SHOWN = 8;
let popupCount = 0; // ids of the popups must differ: one in the channel, one in the thread

/** What can complete the text before the caret: { from, typed, items } or null. */
export function candidates(text, caret, directory, allowsCommands) {
  const before = text.slice(0, caret);
  const command = /^\/[\w-]*$/.exec(before);
  if (command && allowsCommands) {
    const items = directory.state.commands
      .filter((each) => each.command.startsWith(before.toLowerCase()))
      .map(({ command: name, usage_hint, description }) =>
        ({ text: name, title: name, hint: usage_hint, note: description }));
    return items.length > 0 ? { from: 0, typed: before, items } : null;
  }
  const mention = /(?:^|[\s(])@([\p{L}\p{N}._-]*)$/u.exec(before);
  if (!mention) return null;
  const wanted = mention[1].toLowerCase();
  const bot = { id: directory.bot.id, name: directory.bot.name, role: "bot" };
  const items = [bot, ...directory.people]
    .filter((user) => [user.name, ...(user.real_name ?? "").split(" "), ...user.name.split("-")]
      .some((name) => name.toLowerCase().startsWith(wanted)))
    .map((user) => ({
      text: `@${user.name}`, title: directory.displayName(user), hint: `@${user.name}`,
      note: directory.roleLabel(user), avatar: { id: user.id, name: directory.displayName(user) },
    }));
  if (items.length === 0) return null;
  return { from: caret - mention[1].length - 1, typed: `@${mention[1]}`, items: items.slice(0, MAX_SHOWN) };
}

export class Completion {
  #found = null;
  #active = 0;
  #dismissed = null; // the text for which Escape closed the popup

  constructor(field, getDirectory, allowsCommands) {
    popupCount += 1;
    this.field = field;
    this.getDirectory = getDirectory;
    this.allowsCommands = allowsCommands;
    this.popup = el("div", {
      class: "completion", id: `completion-${popupCount}`, role: "listbox", "aria-label": "Suggestions",
      hidden: true,
    });
    field.setAttribute("role", "combobox");
    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-haspopup", "listbox");
    field.setAttribute("aria-controls", this.popup.id);
    field.setAttribute("aria-expanded", "false");
  }

  get isOpen() {
    return this.#found !== null;
  }

  /** Look again at the text before the caret. */
  update() {
    const { value, selectionStart, selectionEnd } = this.field;
    if (this.#dismissed === value || selectionStart !== selectionEnd) return this.close();
    this.#dismissed = null;
    this.#found = candidates(value, selectionStart, this.getDirectory(), this.allowsCommands);
    this.#active = 0;
    return this.#draw();
  }

  close() {
    this.#found = null;
    this.#draw();
  }

  /** Use a key press; true when the popup has taken it. */
  takesKey(event) {
    if (!this.isOpen) return false;
    const count = this.#found.items.length;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      this.#active = (this.#active + (event.key === "ArrowDown" ? 1 : count - 1)) % count;
      this.#draw();
    } else if (event.key === "Escape") {
      this.#dismissed = this.field.value;
      this.close();
    } else if ((event.key === "Enter" && !event.shiftKey && !this.#isTypedOut()) || event.key === "Tab") {
      if (event.shiftKey) return false;
      this.choose(this.#active);
    } else {
      return false;
    }
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  /** Put the item into the text, followed by a blank. */
  choose(index) {
    const { from, typed, items } = this.#found;
    const after = from + typed.length;
    const gap = this.field.value[after] === " " ? "" : " ";
    this.field.setRangeText(items[index].text + gap, from, after, "end");
    this.close();
    this.field.dispatchEvent(new Event("input", { bubbles: true }));
    this.field.focus();
  }

  /** A whole command or name needs no completion: Enter sends. */
  #isTypedOut() {
    const { typed, items } = this.#found;
    return items[this.#active].text === typed;
  }

  #option(item, index) {
    const isActive = index === this.#active;
    return el("div", {
      id: `${this.popup.id}-${index}`, role: "option", "aria-selected": String(isActive),
      class: isActive ? "option active" : "option",
      onmousedown: (event) => event.preventDefault(), // keeps the focus in the field
      onclick: () => this.choose(index),
    },
    item.avatar ? this.getDirectory().avatar(item.avatar) : null,
    el("span", { class: "option-title" }, item.title),
    el("span", { class: "option-hint" }, item.hint ?? ""),
    el("span", { class: "option-note" }, item.note ?? ""));
  }

  #draw() {
    this.popup.hidden = !this.isOpen;
    this.field.setAttribute("aria-expanded", String(this.isOpen));
    if (!this.isOpen) {
      this.popup.replaceChildren();
      this.field.removeAttribute("aria-activedescendant");
      return;
    }
    this.popup.replaceChildren(...this.#found.items.map((item, index) => this.#option(item, index)));
    const active = this.popup.children[this.#active];
    this.field.setAttribute("aria-activedescendant", active.id);
    active.scrollIntoView({ block: "nearest" });
  }
}
