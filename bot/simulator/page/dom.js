// Builds DOM nodes. Text only ever becomes a text node, so a message can never become markup.

const SVG = "http://www.w3.org/2000/svg";

const ICON_PATHS = {
  menu: "M3 5.5h14M3 10h14M3 14.5h14",
  close: "M5 5l10 10M15 5L5 15",
  send: "M3 3.5l14.5 6.5L3 16.5l2-6.5zM5 10h6",
  lock: "M5 9h10v7.5H5zM7 9V6.5a3 3 0 0 1 6 0V9",
  hash: "M8 3.5L6.5 16.5M13.5 3.5L12 16.5M3.5 7.5h14M2.5 12.5h14",
  shared: "M3 7h7M3 13h7M10 7a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0M10 13a3.5 3.5 0 1 0 7 0",
  back: "M12 4l-6 6l6 6",
  more: "M4 10h.01M10 10h.01M16 10h.01",
  bolt: "M11.5 2.5L4 11.5h5.5L8.5 17.5L16 8.5h-5.5z",
  stop: "M5.5 5.5h9v9h-9z",
  check: "M4 10.5l4 4l8-9",
  dot: "M6.5 10a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0",
  pulse: "M2 10.5h3.5l2.5-6l4 11l2.5-5H18",
  reply: "M3.5 4h13v9.5H10L6 17v-3.5H3.5z",
  eye: "M2 10c4-6.5 12-6.5 16 0c-4 6.5-12 6.5-16 0zM7.5 10a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0-5 0",
  up: "M3 9h3.5v7.5H3zM6.5 9.5L10 3c2 0 2.5 1.5 2 3.5L11.5 8.5h4.5c1 0 1.5 1 1.2 2l-1.5 5c-.2.6-.7 1-1.4 1H6.5",
  down: "M3 3.5h3.5V11H3zM6.5 10.5L10 17c2 0 2.5-1.5 2-3.5l-.5-2h4.5c1 0 1.5-1 1.2-2l-1.5-5c-.2-.6-.7-1-1.4-1H6.5",
};

/** Make an element: on… attributes are listeners, the rest is set; false and null are left out. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICON_PATHS[name]);
  svg.append(path);
  return svg;
}

/** The address if it is http or https, else null: `javascript:` and friends never become links. */
export function safeAddress(text) {
  try {
    const url = new URL(text);
    return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
  } catch {
    return null;
  }
}

/** A bare address without the punctuation that belongs to the sentence around it. */
export function trimAddress(text) {
  let address = text;
  for (;;) {
    const isOpen = address.endsWith(")") && address.split("(").length >= address.split(")").length;
    if (isOpen || !/[.,;:!?)\]'_]$/.test(address)) return address;
    address = address.slice(0, -1);
  }
}

/** A link that opens elsewhere; an address we do not trust leaves only its label. */
export function link(address, children, attributes = {}) {
  const href = safeAddress(address);
  if (href === null) return el("span", {}, ...children);
  return el(
    "a",
    { href, target: "_blank", rel: "noopener noreferrer", title: href, ...attributes },
    ...children,
  );
}

/** Make `parent` hold exactly `nodes`, touching only what moved, so focus and live regions survive. */
export function reconcile(parent, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...parent.childNodes]) if (!wanted.has(child)) child.remove();
  nodes.forEach((node, position) => {
    const current = parent.childNodes[position] ?? null;
    if (current !== node) parent.insertBefore(node, current);
  });
}
