// What the page says about itself: error toasts, the connection banner, "the bot is searching…".

import { el, icon } from "./dom.js";

const NOT_CONNECTED = "The bot is not connected. It cannot read or answer messages until it is.";
const NOT_LINKED = "The local Slack does not answer. Trying again…";
const TOAST_MS = 9000;
const MAX_TOASTS = 3;
const STATUS_MS = 120000; // Slack drops a status after two minutes

/** Show a sentence in the corner until it is read. */
export function toast(sentence) {
  const place = document.getElementById("toasts");
  const close = () => note.remove();
  const dismiss = { type: "button", class: "icon-button", "aria-label": "Dismiss", onclick: close };
  const note = el("div", { class: "toast" }, el("p", {}, sentence), el("button", dismiss, icon("close")));
  place.append(note);
  while (place.children.length > MAX_TOASTS) place.firstElementChild.remove();
  setTimeout(close, TOAST_MS);
}

/** One line above the messages; the worse of the two facts wins. */
export class Banner {
  #isLinked = true;
  #isConnected = true;

  setLinked(isLinked) {
    this.#isLinked = isLinked;
    this.#draw();
  }

  setConnected(isConnected) {
    this.#isConnected = isConnected;
    this.#draw();
  }

  #draw() {
    const banner = document.getElementById("banner");
    banner.classList.toggle("shown", !this.#isLinked || !this.#isConnected);
    banner.classList.toggle("severe", !this.#isLinked);
    let sentence = "";
    if (!this.#isConnected) sentence = NOT_CONNECTED;
    if (!this.#isLinked) sentence = NOT_LINKED;
    if (banner.textContent !== sentence) banner.textContent = sentence;
  }
}

/** What the bot is doing, by conversation; a line goes by itself after two minutes. */
export class Statuses {
  #lines = new Map(); // "channel/thread" → { text, timer }

  constructor(onChange) {
    this.onChange = onChange;
  }

  set(channel, threadTs, text) {
    const key = `${channel}/${threadTs ?? ""}`;
    clearTimeout(this.#lines.get(key)?.timer);
    this.#lines.delete(key);
    if (text) {
      const timer = setTimeout(() => this.set(channel, threadTs, ""), STATUS_MS);
      this.#lines.set(key, { text, timer });
    }
    this.onChange();
  }

  clear() {
    for (const { timer } of this.#lines.values()) clearTimeout(timer);
    this.#lines.clear();
    this.onChange();
  }

  inThread(channel, threadTs) {
    return this.#lines.get(`${channel}/${threadTs ?? ""}`)?.text ?? "";
  }

  /** The newest line anywhere in the channel, except in the thread that is open beside it. */
  inChannel(channel, openThread) {
    const lines = [...this.#lines].filter(([key]) =>
      key.startsWith(`${channel}/`) && key !== `${channel}/${openThread}`);
    return lines.at(-1)?.[1].text ?? "";
  }
}

/** "is searching…" → "clockify-bot is searching…", once. */
export function statusLine(botName, text) {
  if (!text || text.toLowerCase().startsWith(botName.toLowerCase())) return text;
  return `${botName} ${text}`;
}
