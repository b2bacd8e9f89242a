// The list of envelopes, acknowledgements and calls in the inspector; each opens to its JSON.

import { el } from "./dom.js";

const MAX_LINES = 400;
const NEAR_END_PX = 40;
const KINDS = {
  envelope: { mark: "→", says: "to the bot" },
  ack: { mark: "←", says: "from the bot" },
  call: { mark: "←", says: "from the bot" },
  response_url: { mark: "←", says: "from the bot" },
  event_lost: { mark: "✕", says: "lost" },
};
const FILTERS = {
  all: ["Everything", () => true],
  envelopes: ["Envelopes", ({ kind }) => kind !== "call" && kind !== "response_url"],
  calls: ["Calls", ({ kind }) => kind === "call" || kind === "response_url"],
  errors: ["Errors", ({ error }) => Boolean(error)],
};

/** What an envelope is about: the event's or interaction's own type. */
function subject({ kind, name, method, body }) {
  if (kind !== "envelope") return kind === "ack" ? "acknowledged" : kind === "call" ? method : kind;
  const payload = body.payload ?? {};
  return [name, payload.event?.type ?? payload.command ?? payload.type].filter(Boolean).join(" · ");
}

function detail({ kind, body = {}, arguments: given = {} }) {
  const payload = body.payload ?? {};
  const place = kind === "call" ? given : payload.event ?? payload;
  const text = place.text ?? place.actions?.[0]?.action_id ?? place.view?.callback_id ?? place.status
    ?? place.callback_id ?? "";
  const user = place.user?.id ?? place.user ?? place.user_id ?? "";
  const channel = place.channel?.id ?? place.channel ?? place.channel_id ?? "";
  return [channel, user, text].filter((part) => typeof part === "string" && part).join("  ");
}

export class Journal {
  #lines = []; // { entry, node }
  #filter = "all";

  constructor(container) {
    this.container = container;
  }

  /** The choice of what is listed. */
  filter() {
    const onchange = ({ target }) => {
      this.#filter = target.value;
      this.#draw();
    };
    return el("select", { class: "field", "aria-label": "What is listed", onchange },
      ...Object.entries(FILTERS).map(([value, [label]]) => el("option", { value }, label)));
  }

  get last() {
    return this.#lines.at(-1)?.entry.number ?? 0;
  }

  clear() {
    this.#lines = [];
    this.#draw();
  }

  add(entries) {
    if (entries.length === 0 && this.#lines.length > 0) return;
    const { scrollHeight, scrollTop, clientHeight } = this.container;
    const sticks = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
    this.#lines.push(...entries.map((entry) => ({ entry, node: this.#line(entry) })));
    this.#lines.splice(0, this.#lines.length - MAX_LINES);
    this.#draw();
    if (sticks) this.container.scrollTop = this.container.scrollHeight;
  }

  #draw() {
    const shown = this.#lines.filter(({ entry }) => FILTERS[this.#filter][1](entry));
    const nothing = el("p", { class: "journal-empty" }, "Nothing yet. What the bot and Slack say to each other appears here.");
    this.container.replaceChildren(...(shown.length > 0 ? shown.map(({ node }) => node) : [nothing]));
  }

  #line(entry) {
    const { mark, says } = KINDS[entry.kind] ?? { mark: "·", says: "" };
    const json = el("pre", {});
    const ontoggle = ({ currentTarget }) => {
      if (currentTarget.open && !json.textContent) {
        json.textContent = JSON.stringify(entry.body ?? entry.arguments ?? {}, null, 2);
      }
    };
    return el("details", { class: `line line-${entry.kind}`, ontoggle },
      el("summary", {},
        el("span", { class: "line-mark", title: says }, mark, el("span", { class: "visually-hidden" }, ` ${says}`)),
        el("span", { class: "line-subject" }, subject(entry)),
        el("span", { class: "line-detail" }, detail(entry)),
        entry.milliseconds === undefined ? null : el("span", { class: "line-time" }, `${entry.milliseconds} ms`),
        entry.error ? el("span", { class: "line-error" }, entry.error) : null),
      json);
  }
}
