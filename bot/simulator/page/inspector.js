// The drawer below the conversation: faults to order, and what the bot and Slack say to each other.

import { fetchLog } from "./api.js";
import { icon } from "./dom.js";
import { FaultButtons } from "./fault-buttons.js";
import { Journal } from "./journal.js";
import { PHONE } from "./sidebar.js";

const POLL_MS = 1000;

export class Inspector {
  #timer = null;
  #isPolling = false;

  /** `onFailure(error)`; `getState()` gives /sim/state; `onToggle()` after opening or closing. */
  constructor({ getState, onFailure, onToggle }) {
    this.getState = getState;
    this.onFailure = onFailure;
    this.onToggle = onToggle;
    this.pane = document.getElementById("inspector");
    this.opener = document.getElementById("inspect");
    this.faults = document.getElementById("faults");
    this.list = document.getElementById("journal");
    this.journal = new Journal(this.list);
    const close = document.getElementById("inspector-close");
    close.append(icon("close"));
    close.addEventListener("click", () => this.toggle());
    document.getElementById("journal-filter").append(this.journal.filter());
    this.opener.prepend(icon("pulse"));
    this.opener.addEventListener("click", () => this.toggle());
    PHONE.addEventListener("change", () => this.#coverRest());
  }

  get hasFocus() {
    return this.isOpen && this.pane.contains(document.activeElement);
  }

  get isOpen() {
    return !this.pane.hidden;
  }

  toggle() {
    this.pane.hidden = this.isOpen;
    this.opener.setAttribute("aria-expanded", String(this.isOpen));
    this.#coverRest();
    this.onToggle();
    if (!this.isOpen) {
      clearTimeout(this.#timer);
      this.opener.focus();
      return;
    }
    new FaultButtons(this.faults, { known: Object.keys(this.getState().faults ?? {}), onFailure: this.onFailure });
    document.getElementById("inspector-title").focus();
    this.#poll();
  }

  /** The local Slack was away: it counts its lines from one again. */
  restart() {
    this.journal.clear();
  }

  async #poll() {
    if (this.#isPolling) return;
    this.#isPolling = true;
    try {
      this.journal.add((await fetchLog(this.journal.last)).entries);
    } catch (error) {
      if (this.journal.last === 0) this.onFailure(error); // later the banner says it
    }
    this.#isPolling = false;
    if (this.isOpen) this.#timer = setTimeout(() => this.#poll(), POLL_MS);
  }

  /** On a phone the drawer lies over everything, so nothing behind it may take the focus. */
  #coverRest() {
    document.getElementById("app").inert = PHONE.matches && this.isOpen;
  }
}
