// The "are you sure?" of a button with `confirm`.

import { el } from "./dom.js";

/** Ask; resolves to whether the person agreed. Escape is a no. */
export function confirmed(confirm) {
  return new Promise((resolve) => {
    const style = confirm.style === "danger" ? "danger" : "primary";
    const title = el("h2", { id: "confirm-title" }, confirm.title?.text ?? "Are you sure?");
    const dialog = el("dialog", { class: "confirm", "aria-labelledby": "confirm-title" },
      el("form", { method: "dialog" },
        title,
        el("p", {}, confirm.text?.text ?? ""),
        el("div", { class: "actions" },
          el("button", { class: "button", value: "no" }, confirm.deny?.text ?? "Cancel"),
          el("button", { class: `button ${style}`, value: "yes" }, confirm.confirm?.text ?? "Yes"))));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
