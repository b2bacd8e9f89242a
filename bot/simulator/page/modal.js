// The modal on top of a person's stack: shown, filled in, submitted, closed.

import { plain } from "./buttons.js";
import { el, icon } from "./dom.js";
import { closeMenu } from "./menu.js";
import { releaseToasts } from "./notices.js";
import { ViewBody } from "./view-body.js";

const FOCUSABLE = "a[href], button:not([disabled]), input:not([disabled]), select, textarea";
const BUSY_LABEL = "Sending…";

export class Modal {
  #view = null;
  #errors = {};
  #returnTo = null;

  /** `submit(view, values)` → errors by block_id, null when it could not be sent; `close()`. */
  constructor({ getDirectory, onAction, submit, close }) {
    this.submit = submit;
    this.close = close;
    this.dialog = document.getElementById("modal");
    this.title = el("h2", { id: "modal-title", class: "modal-title", tabindex: "-1" });
    this.leave = el("button", { type: "button", class: "icon-button", onclick: () => close() });
    this.content = el("div", { class: "modal-content" });
    this.foot = el("footer", { class: "modal-foot" });
    this.body = new ViewBody(this.content, { getDirectory, onAction });
    const onsubmit = (event) => {
      event.preventDefault();
      this.#submit();
    };
    this.dialog.append(el("form", { class: "modal-form", novalidate: true, onsubmit },
      el("header", { class: "modal-head" }, this.title, this.leave), this.content, this.foot));
    this.dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      close();
    });
    this.dialog.addEventListener("keydown", (event) => this.#onKey(event));
  }

  get isOpen() {
    return this.#view !== null;
  }

  /** Show a view, a newer version of it, or nothing. */
  show(view) {
    if (!view) return this.#hide();
    const isNew = view.id !== this.#view?.id;
    if (isNew) this.#errors = {};
    this.#view = view;
    closeMenu();
    this.#draw();
    if (!this.dialog.open) {
      this.#returnTo = document.activeElement;
      this.dialog.showModal();
    }
    if (isNew) this.#focusFirst();
  }

  #hide() {
    if (!this.#view) return;
    this.#view = null;
    this.body.forget();
    closeMenu();
    releaseToasts();
    this.dialog.close();
    if (this.#returnTo?.isConnected) this.#returnTo.focus();
    else document.getElementById("channel-input").focus();
  }

  #draw() {
    const { title, submit, close, previous_view_id: previous } = this.#view;
    this.title.textContent = plain(title);
    this.leave.replaceChildren(icon(previous ? "back" : "close"));
    this.leave.setAttribute("aria-label", previous ? "Back" : "Close");
    this.body.show(this.#view, this.#errors);
    this.foot.replaceChildren(
      el("button", { type: "button", class: "button", "data-key": "close", onclick: () => this.close() },
        plain(close) || (submit ? "Cancel" : "Close")),
      ...(submit ? [el("button", { type: "submit", class: "button primary" }, plain(submit))] : []));
  }

  async #submit() {
    const view = this.#view;
    const button = this.foot.querySelector("[type=submit]");
    if (!button || button.disabled) return;
    button.disabled = true;
    button.textContent = BUSY_LABEL;
    const errors = await this.submit(view, this.body.values());
    if (this.#view?.id !== view.id) return; // it closed, or another lies on top
    this.#errors = errors ?? {};
    this.#draw();
    this.content.querySelector(".invalid")?.querySelector(FOCUSABLE)?.focus();
  }

  #focusFirst() {
    const wanted = this.content.querySelector("[data-autofocus]")
      ?? this.content.querySelector("input, select, textarea") ?? this.content.querySelector(FOCUSABLE);
    (wanted ?? this.title).focus();
    this.content.scrollTop = 0;
  }

  /** Tab goes round inside the modal, so that it never leaves for the browser's own controls. */
  #onKey(event) {
    if (event.key !== "Tab") return;
    const stops = [...this.dialog.querySelectorAll(FOCUSABLE)].filter((node) => node.offsetParent !== null);
    const [edge, other] = event.shiftKey ? [stops[0], stops.at(-1)] : [stops.at(-1), stops[0]];
    if (document.activeElement !== edge && document.activeElement !== this.title) return;
    if (document.activeElement === this.title && !event.shiftKey) return;
    event.preventDefault();
    other.focus();
  }
}
