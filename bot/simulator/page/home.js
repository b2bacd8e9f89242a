// The bot's Home tab: what it published with views.publish for this person.

import { renderBlocks } from "./blocks.js";
import { el } from "./dom.js";

export class Home {
  #pressed = new Map();

  /** `onTab(name)` when a tab is chosen; `onAction(view, action)` for its buttons. */
  constructor({ onTab, onAction, getDirectory }) {
    this.onAction = onAction;
    this.getDirectory = getDirectory;
    this.panel = document.getElementById("home");
    this.messages = document.getElementById("messages-panel");
    this.tablist = document.getElementById("tabs");
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

  show(view) {
    if (!view?.blocks?.length) {
      this.panel.replaceChildren(el("p", { class: "empty-home" },
        `${this.getDirectory().bot.name} has not published a Home view yet.`));
      return;
    }
    const context = {
      directory: this.getDirectory(),
      pressed: this.#pressed,
      onAction: (action) => this.onAction(view, action),
    };
    this.panel.replaceChildren(el("div", { class: "home-view" }, renderBlocks(view.blocks, context)));
  }
}
