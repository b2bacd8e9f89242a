// The bot's tabs in its direct messages: Messages, and the Home that it published for this person.

import { el } from "./dom.js";
import { ViewBody } from "./view-body.js";

export class Home {
  /** `onTab(name)` when a tab is chosen; `onAction(view, action)` for its elements. */
  constructor({ onTab, onAction, getDirectory }) {
    this.getDirectory = getDirectory;
    this.panel = document.getElementById("home");
    this.messages = document.getElementById("messages-panel");
    this.tablist = document.getElementById("tabs");
    this.place = el("div", { class: "home-view" });
    this.body = new ViewBody(this.place, { getDirectory, onAction });
    this.tabs = {
      messages: document.getElementById("tab-messages"),
      home: document.getElementById("tab-home"),
    };
    for (const [name, tab] of Object.entries(this.tabs)) {
      tab.addEventListener("click", () => onTab(name));
      tab.addEventListener("keydown", ({ key }) => {
        if (key !== "ArrowLeft" && key !== "ArrowRight") return;
        const other = name === "home" ? "messages" : "home";
        this.tabs[other].focus();
        onTab(other);
      });
    }
  }

  get isShown() {
    return !this.panel.hidden;
  }

  /** Show a tab; `hasTabs` is true only in the conversation with the bot. */
  select(name, hasTabs) {
    this.tablist.hidden = !hasTabs;
    this.panel.hidden = name !== "home";
    this.messages.hidden = name === "home";
    for (const [each, tab] of Object.entries(this.tabs)) {
      tab.setAttribute("aria-selected", String(each === name));
      tab.tabIndex = each === name ? 0 : -1;
    }
  }

  /** Forget what was chosen here: someone else is acting now. */
  forget() {
    this.body.forget();
    this.panel.replaceChildren();
  }

  show(view) {
    if (!view?.blocks?.length) {
      this.panel.replaceChildren(el("p", { class: "empty-home" },
        `${this.getDirectory().bot.name} has not published a Home view yet.`));
      return;
    }
    this.body.show(view);
    if (this.place.parentElement !== this.panel) this.panel.replaceChildren(this.place);
  }
}
