// A message field with completion and a send button, for the channel and for the thread.

import { Completion } from "./completion.js";
import { el, icon } from "./dom.js";
import { toggleMenu } from "./menu.js";

const MAX_HEIGHT_PX = 200;

export class Composer {
  #drafts = new Map(); // place → text not sent yet
  #place = null;

  #shortcuts = [];

  /** `send(text)` resolves to whether the text went out; if not, it stays in the field. `stop()`. */
  constructor(container, { id, label, getDirectory, allowsCommands, send, stop = () => {} }) {
    this.send = send;
    this.field = el("textarea", {
      id, rows: 1, "aria-label": label, autocomplete: "off", spellcheck: "true", enterkeyhint: "send",
      oninput: () => this.#onInput(),
      onkeydown: (event) => this.#onKey(event),
      onkeyup: ({ key }) => /^(Arrow(Left|Right)|Home|End)$/.test(key) && this.completion.update(),
      onclick: () => this.completion.update(),
      onblur: () => this.completion.close(),
    });
    this.completion = new Completion(this.field, getDirectory, allowsCommands);
    this.button = el("button", { type: "submit", class: "send", "aria-label": "Send", disabled: true },
      icon("send"));
    this.bolt = el("button", {
      type: "button", class: "icon-button", "aria-label": "Shortcuts", title: "Shortcuts", hidden: true,
      "aria-haspopup": "menu", "aria-expanded": "false",
      onclick: ({ currentTarget }) => toggleMenu(currentTarget, "Shortcuts", this.#shortcuts),
    }, icon("bolt"));
    this.status = el("p", { class: "status", role: "status" });
    this.stopButton = el("button", { type: "button", class: "stop", hidden: true, onclick: () => stop() },
      icon("stop"), "Stop");
    const submit = (event) => {
      event.preventDefault();
      this.#submit();
    };
    const hint = el("p", { class: "keys", "aria-hidden": "true" },
      el("kbd", {}, "Enter"), " sends · ", el("kbd", {}, "Shift + Enter"), " new line",
      allowsCommands ? [" · ", el("kbd", {}, "/"), " commands"] : "", " · ", el("kbd", {}, "@"), " people");
    container.append(
      el("form", { class: "composer", onsubmit: submit }, this.completion.popup,
        el("div", { class: "composer-box" }, this.bolt, this.field, this.stopButton, this.button)),
      el("div", { class: "composer-foot" }, this.status, hint));
  }

  get isEmpty() {
    return this.field.value.trim() === "";
  }

  /** Go to another conversation: what was typed in the last one waits there. */
  moveTo(place, label) {
    if (this.#place !== null) this.#drafts.set(this.#place, this.field.value);
    this.#place = place;
    this.field.placeholder = label;
    this.field.setAttribute("aria-label", label);
    this.#write(this.#drafts.get(place) ?? "");
    this.#drafts.delete(place);
    this.completion.close();
  }

  /** Put a text into the field, ready to be changed or sent. */
  fill(text) {
    this.#write(text);
    this.completion.close();
    this.focus();
  }

  focus() {
    this.field.focus();
  }

  /** Offer what can be done from anywhere: items of a menu. */
  setShortcuts(items) {
    this.#shortcuts = items;
    this.bolt.hidden = items.length === 0;
  }

  /** Offer to stop what the bot is doing here. */
  setStoppable(isStoppable) {
    if (!isStoppable && document.activeElement === this.stopButton) this.focus();
    this.stopButton.hidden = !isStoppable;
  }

  setStatus(text) {
    if (this.status.textContent !== text) this.status.textContent = text;
    this.status.classList.toggle("busy", text !== "");
  }

  #write(text) {
    this.field.value = text;
    this.#fit();
  }

  #fit() {
    this.button.disabled = this.isEmpty;
    this.field.style.height = "auto";
    this.field.style.height = `${Math.min(this.field.scrollHeight, MAX_HEIGHT_PX)}px`;
  }

  #onInput() {
    this.#fit();
    this.completion.update();
  }

  #onKey(event) {
    if (event.isComposing || this.completion.takesKey(event)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#submit();
    }
  }

  async #submit() {
    const text = this.field.value.trim();
    if (text === "") return;
    const place = this.#place;
    this.#write("");
    this.completion.close();
    if (await this.send(text)) return;
    if (place !== this.#place) this.#drafts.set(place, text);
    else if (this.isEmpty) this.#write(text);
  }
}
