// The blocks of a view, with what a person has put in so far; used by the Home and by modals.

import { renderBlocks } from "./blocks.js";
import { collected } from "./wishes.js";

export class ViewBody {
  #kept = new Map(); // view id → { pressed, wishes }
  #context = null;
  #view = null;

  /** `onAction(view, action)`, which carries what the view's other inputs hold. */
  constructor(container, { getDirectory, onAction }) {
    this.container = container;
    this.getDirectory = getDirectory;
    this.onAction = onAction;
  }

  /** Show a view, or another version of it: focus and inputs stay. */
  show(view, errors = {}) {
    if (!this.#kept.has(view.id)) this.#kept.set(view.id, { pressed: new Map(), wishes: new Map() });
    this.#view = view;
    this.#context = {
      directory: this.getDirectory(),
      state: view.state,
      errors,
      onAction: (action) => this.onAction(view, { ...action, values: this.values() }),
      ...this.#kept.get(view.id),
    };
    const key = document.activeElement?.dataset?.key;
    const hadFocus = key && this.container.contains(document.activeElement);
    const { selectionStart, selectionEnd } = hadFocus ? document.activeElement : {};
    this.container.replaceChildren(renderBlocks(view.blocks, this.#context));
    if (!hadFocus) return;
    const again = this.container.querySelector(`[data-key="${CSS.escape(key)}"]`);
    again?.focus();
    if (typeof selectionStart === "number") again?.setSelectionRange?.(selectionStart, selectionEnd);
  }

  values() {
    return collected(this.#view, this.#context);
  }

  /** Forget what was put into any view. */
  forget() {
    this.#kept.clear();
  }
}
