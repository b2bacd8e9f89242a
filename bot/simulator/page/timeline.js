// A list of messages in time order, for the channel and for the thread. Keeps focus and scroll.

import { el, reconcile } from "./dom.js";
import { messageRow } from "./message.js";
import { compareTs, day } from "./time.js";

const COMPACT_SECONDS = 300; // Slack groups what one author writes within five minutes
const NEAR_BOTTOM_PX = 80;

export class Timeline {
  #messages = new Map(); // ts → message
  #rows = new Map(); // ts → { node, version }
  #pressed = new Map(); // ts → which feedback button is pressed, by block and action
  #wishes = new Map(); // ts → what is chosen in its inputs

  /** `context`: directory(), onAction(message, action), menuItems(message), openThread(ts) or nothing
   *  in a thread; `before(messages)`: nodes above them; `separator(previous, message)`: a node or
   *  null; `onChange()` when there are other messages. */
  constructor(container, context, { before = () => [], separator = () => null, onChange = () => {} } = {}) {
    this.container = container;
    this.context = context;
    this.before = before;
    this.separator = separator;
    this.onChange = onChange;
  }

  get messages() {
    return [...this.#messages.values()].sort((left, right) => compareTs(left.ts, right.ts));
  }

  get(ts) {
    return this.#messages.get(ts);
  }

  /** Show exactly these messages, from the newest end. */
  load(messages) {
    this.#messages = new Map(messages.map((message) => [message.ts, message]));
    this.#rows.clear();
    this.container.setAttribute("aria-busy", "true"); // a whole channel is not news to read out
    this.container.replaceChildren();
    this.#render();
    this.container.removeAttribute("aria-busy");
    this.scrollToEnd();
  }

  put(message) {
    const sticks = this.#isNearBottom();
    this.#messages.set(message.ts, message);
    this.#render();
    if (sticks) this.scrollToEnd();
  }

  remove(ts) {
    if (this.#messages.delete(ts)) this.#render();
  }

  refresh() {
    this.#render();
  }

  /** Forget which buttons are pressed: someone else is acting now. */
  forget() {
    this.#pressed.clear();
    this.#wishes.clear();
  }

  /** Show the newest message: its end, or its beginning when it is longer than the pane. */
  scrollToEnd() {
    const { container } = this;
    container.scrollTop = container.scrollHeight;
    const last = container.lastElementChild;
    const hidden = last ? container.getBoundingClientRect().top - last.getBoundingClientRect().top : 0;
    if (hidden > 0) container.scrollTop -= hidden;
  }

  #isNearBottom() {
    const { scrollHeight, scrollTop, clientHeight } = this.container;
    return scrollHeight - scrollTop - clientHeight < NEAR_BOTTOM_PX;
  }

  #render() {
    const focused = this.#focusedKey();
    const nodes = [...this.before(this.messages)];
    let previous = null;
    for (const message of this.messages) {
      const separator = this.separator(previous, message);
      if (separator) nodes.push(separator);
      nodes.push(this.#row(message, !separator && this.#continues(previous, message)));
      previous = message;
    }
    for (const ts of this.#rows.keys()) if (!this.#messages.has(ts)) this.#rows.delete(ts);
    reconcile(this.container, this.#keepEqual(nodes));
    if (focused) this.#rows.get(focused.ts)?.node.querySelector(focused.selector)?.focus();
    this.onChange();
  }

  /** Reuse dividers and intros that look the same, so that only real changes touch the page. */
  #keepEqual(nodes) {
    const old = [...this.container.children].filter((node) => node.dataset.furniture);
    return nodes.map((node) => {
      if (!node.dataset.furniture) return node;
      const twin = old.findIndex((each) => each.isEqualNode(node));
      return twin < 0 ? node : old.splice(twin, 1)[0];
    });
  }

  #row(message, isCompact) {
    const version = JSON.stringify([message, isCompact]);
    const known = this.#rows.get(message.ts);
    if (known?.version === version) return known.node;
    for (const kept of [this.#pressed, this.#wishes]) {
      if (!kept.has(message.ts)) kept.set(message.ts, new Map());
    }
    const context = {
      ...this.context,
      directory: this.context.directory(),
      pressed: this.#pressed.get(message.ts),
      wishes: this.#wishes.get(message.ts),
    };
    const node = messageRow(message, context, isCompact);
    this.#rows.set(message.ts, { node, version });
    return node;
  }

  #continues(previous, message) {
    return previous !== null && !previous.is_ephemeral && !message.is_ephemeral && !previous.reply_count
      && this.context.directory().author(previous).id === this.context.directory().author(message).id
      && Number(message.ts) - Number(previous.ts) < COMPACT_SECONDS;
  }

  #focusedKey() {
    const focused = document.activeElement;
    const row = focused?.closest?.("[data-ts]");
    if (!focused?.dataset.key || !row || !this.container.contains(row)) return null;
    return { ts: row.dataset.ts, selector: `[data-key="${CSS.escape(focused.dataset.key)}"]` };
  }
}

export function divider(text, className) {
  const node = el("div", { class: className, role: "separator", "aria-label": text }, el("span", {}, text));
  node.dataset.furniture = "true";
  return node;
}

/** The day divider between two messages, or null on the same day. */
export function dayDivider(previous, message) {
  const today = day(message.ts);
  return previous && day(previous.ts) === today ? null : divider(today, "day");
}
