// A menu that opens from a button: arrow keys, Home, End, Escape; a click elsewhere closes it.

import { el } from "./dom.js";

const GAP_PX = 4;
const MARGIN_PX = 8;
let open = null; // the one menu that is open: { node, anchor }

export const isMenuOpen = () => open !== null;

/** `items`: { title, note?, isDanger?, run } each. `anchor` gets the focus back. */
export function toggleMenu(anchor, label, items) {
  const wasHere = open?.anchor === anchor;
  closeMenu();
  if (wasHere || items.length === 0) return;
  const node = el("div", { class: "menu-popup", role: "menu", "aria-label": label, onkeydown: onKey },
    ...items.map(entry));
  open = { node, anchor };
  anchor.setAttribute("aria-expanded", "true");
  (anchor.closest("dialog") ?? document.body).append(node);
  place(node, anchor.getBoundingClientRect());
  node.firstElementChild.focus();
  document.addEventListener("pointerdown", onPointer, true);
  window.addEventListener("resize", closeMenu);
}

export function closeMenu() {
  if (!open) return;
  const { node, anchor } = open;
  const hadFocus = node.contains(document.activeElement);
  open = null;
  node.remove();
  anchor.setAttribute("aria-expanded", "false");
  if (hadFocus) anchor.focus();
  document.removeEventListener("pointerdown", onPointer, true);
  window.removeEventListener("resize", closeMenu);
}

function entry({ title, note, isDanger, run }) {
  const onclick = () => {
    closeMenu();
    run();
  };
  return el("button", {
    type: "button", role: "menuitem", tabindex: "-1", onclick,
    class: isDanger ? "menu-item danger" : "menu-item",
  },
  el("span", { class: "menu-title" }, title),
  note ? el("span", { class: "menu-note" }, note) : null);
}

/** Below the button where there is room, else above it; never outside the window. */
function place(node, anchor) {
  const { width, height } = node.getBoundingClientRect();
  const below = anchor.bottom + GAP_PX;
  const fits = below + height + MARGIN_PX <= window.innerHeight;
  const top = fits ? below : Math.max(MARGIN_PX, anchor.top - GAP_PX - height);
  const left = anchor.left + width + MARGIN_PX <= window.innerWidth ? anchor.left : anchor.right - width;
  node.style.top = `${top}px`;
  node.style.left = `${Math.max(MARGIN_PX, left)}px`;
}

function onPointer({ target }) {
  if (!open.node.contains(target) && !open.anchor.contains(target)) closeMenu();
}

function onKey(event) {
  const items = [...open.node.children];
  const at = items.indexOf(document.activeElement);
  const steps = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 };
  if (event.key in steps) items[steps[event.key] % items.length].focus();
  else if (event.key === "Escape" || event.key === "Tab") closeMenu();
  else return;
  if (event.key !== "Tab") event.preventDefault();
  event.stopPropagation();
}
