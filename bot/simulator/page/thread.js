// The thread pane: the root, its replies, and a composer that answers in the thread.

import { fetchHistory } from "./api.js";
import { Composer } from "./composer.js";
import { icon } from "./dom.js";
import { PHONE } from "./sidebar.js";
import { Timeline, divider } from "./timeline.js";
import { compareTs } from "./time.js";

export class Thread {
  #channel = null;
  #ts = null;
  #returnTo = null; // where the focus goes when the pane closes

  /** `context`: see Timeline; `send(text, threadTs)`; `stop(threadTs)`; `onMove()` after changes. */
  constructor({ context, send, stop, onMove, fail }) {
    this.pane = document.getElementById("thread");
    this.main = document.getElementById("main");
    this.title = document.getElementById("thread-title");
    this.directory = context.directory;
    this.onMove = onMove;
    this.fail = fail;
    this.timeline = new Timeline(document.getElementById("thread-messages"), context, {
      separator: (previous, message) => this.#separator(previous, message),
      onChange: onMove,
    });
    this.composer = new Composer(document.getElementById("thread-composer"), {
      id: "thread-input", label: "Reply…", getDirectory: context.directory, allowsCommands: false,
      send: (text) => send(text, this.#ts),
      stop: () => stop(this.#ts),
    });
    const closeButton = document.getElementById("thread-close");
    closeButton.append(icon("close"));
    closeButton.addEventListener("click", () => this.close());
    PHONE.addEventListener("change", () => this.#coverMain());
  }

  get ts() {
    return this.#ts;
  }

  shows(channel, ts) {
    return this.#ts !== null && this.#channel === channel && this.#ts === ts;
  }

  /** A reply is growing here. */
  get isStreaming() {
    return this.timeline.messages.some((message) => message.streaming);
  }

  /** Someone is writing a reply here: do not swap the thread under their hands. */
  get isBusy() {
    return this.#ts !== null && !this.composer.isEmpty;
  }

  /** Open a thread; `takesFocus` when a person asked for it, not when the bot's reply did. */
  async open(channel, ts, { takesFocus }) {
    if (takesFocus) this.#returnTo = { ts, key: document.activeElement?.dataset?.key };
    const isNew = !this.shows(channel, ts);
    this.#channel = channel;
    this.#ts = ts;
    this.pane.hidden = false;
    this.#coverMain();
    const name = this.directory().channelName(channel);
    const isDirect = this.directory().channels.get(channel)?.kind === "im";
    document.getElementById("thread-note").textContent = isDirect ? name : `#${name}`;
    if (isNew) {
      this.composer.moveTo(`${channel}/${ts}`, "Reply…");
      this.timeline.load([]);
      this.onMove();
      await this.reload();
    }
    if (takesFocus && this.shows(channel, ts)) this.composer.focus();
    else if (PHONE.matches) this.title.focus();
  }

  async reload() {
    const [channel, ts] = [this.#channel, this.#ts];
    if (ts === null) return;
    try {
      const { messages } = await fetchHistory(this.directory().me, channel, ts);
      if (this.shows(channel, ts)) this.#load(messages);
    } catch (error) {
      this.fail(error);
    }
  }

  /** What arrived while the history was on its way is newer than all of it. */
  #load(messages) {
    const newest = messages.at(-1)?.ts ?? "0";
    const early = this.timeline.messages.filter((each) => compareTs(each.ts, newest) > 0);
    this.timeline.load([...messages, ...early]);
  }

  close() {
    if (this.#ts === null) return;
    const hadFocus = this.pane.contains(document.activeElement);
    this.composer.moveTo(null, "Reply…");
    this.#channel = null;
    this.#ts = null;
    this.pane.hidden = true;
    this.#coverMain();
    if (hadFocus) this.#giveFocusBack();
    this.onMove();
  }

  #giveFocusBack() {
    const row = this.#returnTo && this.main.querySelector(`[data-ts="${CSS.escape(this.#returnTo.ts)}"]`);
    const control = row?.querySelector(`[data-key="${CSS.escape(this.#returnTo.key ?? "replies")}"]`)
      ?? row?.querySelector("[data-key='replies']");
    (control ?? document.getElementById("channel-input")).focus();
  }

  /** On a phone the pane lies over everything, so nothing behind it may take the focus. */
  #coverMain() {
    this.main.inert = PHONE.matches && this.#ts !== null;
  }

  #separator(previous, message) {
    if (previous === null || compareTs(previous.ts, this.#ts) !== 0) return null;
    const count = this.timeline.messages.filter((each) => !each.is_ephemeral && each.ts !== this.#ts).length;
    if (count === 0 || message.ts === this.#ts) return null;
    return divider(`${count} ${count === 1 ? "reply" : "replies"}`, "reply-divider");
  }
}
