// What the page says about itself: error toasts, the connection banner, "the bot is searching…".

import { el, icon } from "./dom.js";

const NOT_CONNECTED = "The bot is not connected. It cannot read or answer messages until it is.";
const NOT_LINKED = "The local Slack does not answer. Trying again…";
const TOAST_MS = 9000;
const MAX_TOASTS = 3;
const STATUS_MS = 120000; // Slack drops a status after two minutes
const LOADING_MS = 3000; // until the next of several loading messages

/** Show a sentence in the corner until it is read. */
export function toast(sentence) {
  const place = document.getElementById("toasts");
  (document.querySelector("dialog[open]") ?? document.body).append(place); // above an open modal
  const close = () => note.remove();
  const dismiss = { type: "button", class: "icon-button", "aria-label": "Dismiss", onclick: close };
  const note = el("div", { class: "toast" }, el("p", {}, sentence), el("button", dismiss, icon("close")));
  place.append(note);
  while (place.children.length > MAX_TOASTS) place.firstElementChild.remove();
  setTimeout(close, TOAST_MS);
}

/** A modal closes: what it said in the corner stays. */
export function releaseToasts() {
  document.body.append(document.getElementById("toasts"));
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
  #lines = new Map(); // "channel/thread" → { texts, shown, end, turn }

  constructor(onChange) {
    this.onChange = onChange;
  }

  /** `loading`: sentences that take turns in place of the text. */
  set(channel, threadTs, text, loading = []) {
    const key = `${channel}/${threadTs ?? ""}`;
    this.#drop(key);
    if (text) {
      const line = { texts: loading?.length > 0 ? loading : [text], shown: 0 };
      line.end = setTimeout(() => this.set(channel, threadTs, ""), STATUS_MS);
      line.turn = setInterval(() => this.#turn(line), LOADING_MS);
      this.#lines.set(key, line);
    }
    this.onChange();
  }

  clear() {
    for (const key of [...this.#lines.keys()]) this.#drop(key);
    this.onChange();
  }

  inThread(channel, threadTs) {
    return textOf(this.#lines.get(`${channel}/${threadTs ?? ""}`));
  }

  #drop(key) {
    clearTimeout(this.#lines.get(key)?.end);
    clearInterval(this.#lines.get(key)?.turn);
    this.#lines.delete(key);
  }

  #turn(line) {
    if (line.texts.length < 2) return;
    line.shown = (line.shown + 1) % line.texts.length;
    this.onChange();
  }

  /** The newest line anywhere in the channel, except in the thread that is open beside it. */
  inChannel(channel, openThread) {
    const lines = [...this.#lines].filter(([key]) =>
      key.startsWith(`${channel}/`) && key !== `${channel}/${openThread}`);
    return textOf(lines.at(-1)?.[1]);
  }
}

const textOf = (line) => String(line?.texts[line.shown] ?? "");

/** "is searching…" → "clockify-bot is searching…", once; a sentence of its own stays as it is. */
export function statusLine(botName, text) {
  if (!text || /^\p{Lu}/u.test(text) || text.toLowerCase().startsWith(botName.toLowerCase())) return text;
  return `${botName} ${text}`;
}
