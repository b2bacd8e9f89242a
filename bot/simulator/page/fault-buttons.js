// The buttons that make the local Slack misbehave, and which calls they are about.

import { orderFault } from "./api.js";
import { el } from "./dom.js";

const METHODS = [
  "chat.postMessage", "chat.postEphemeral", "chat.update", "chat.startStream", "chat.appendStream",
  "chat.stopStream", "assistant.threads.setStatus", "conversations.replies", "views.open", "views.publish",
  "response_url",
];
const ANY = "";

// kind, label, what happens then; `of` gets the chosen method's name.
const CONNECTION = [
  { kind: "drop_socket", label: "Drop socket", done: "Every socket was reset." },
  { kind: "refresh", label: "Ask to reconnect", done: "Sent disconnect: refresh_requested." },
  { kind: "warning", label: "Warn of a reconnect", done: "Sent disconnect: warning." },
  { kind: "silent", label: "Fall silent", done: "The open sockets say nothing more." },
  { kind: "refuse_handshake", label: "Refuse a handshake", done: "The next WebSocket is refused (408)." },
  { kind: "too_many_websockets", label: "Too many sockets", done: "The next WebSocket is one too many." },
  { kind: "link_disabled", label: "Socket Mode off", done: "Socket Mode is off until you clear." },
];
const DELIVERY = [
  { kind: "duplicate", label: "Deliver twice", done: "The next event comes twice." },
  { kind: "slow_ack", label: "Acknowledge late", done: "The next acknowledgement counts as too late." },
  { kind: "twin", label: "Mention with a twin", done: "The next mention comes as a message, too." },
  { kind: "expired_trigger", label: "Old trigger", done: "The next click's trigger is too old for a modal." },
  { kind: "expire_streams", label: "End streams", done: "Every live stream is as old as it can be." },
  { kind: "eaten_blanks", label: "Eat a blank", done: "The next streamed chunk loses its first blanks." },
];
const CALLS = [
  { kind: "rate_limit", label: "429", retry_after_seconds: 5, done: (of) => `The next ${of} gets 429, 5 seconds.` },
  { kind: "lost_reply", label: "Lose the reply", done: (of) => `The next ${of} is done, its reply is lost.` },
  { kind: "http_500", label: "500", done: (of) => `The next ${of} gets 500 and is not done.` },
  { kind: "http_500", label: "500, but done", is_done: true, done: (of) => `The next ${of} is done and gets 500.` },
  { kind: "slow", label: "Slow", seconds: 3, done: (of) => `The next ${of} is answered 3 seconds late.` },
  { kind: "web_api_down", label: "Down", done: (of) => `Every ${of} is cut off until you clear.` },
];

export class FaultButtons {
  /** `known`: the kinds this local Slack has; `onFailure(error)`. */
  constructor(container, { known, onFailure }) {
    this.onFailure = onFailure;
    this.said = el("p", { class: "fault-said", role: "status" });
    this.method = el("select", { class: "field", "aria-label": "Which calls" },
      el("option", { value: ANY }, "any call"), ...METHODS.map((name) => el("option", { value: name }, name)));
    this.method.value = METHODS[0];
    const part = (title, faults, ...before) => el("section", { class: "fault-part" },
      el("h3", {}, title), ...before,
      el("div", { class: "fault-row" }, ...faults.filter(({ kind }) => known.includes(kind))
        .map((fault) => this.#button(fault, faults === CALLS))));
    const clear = { type: "button", class: "button small", onclick: () => this.#clear() };
    container.replaceChildren(
      part("Connection", CONNECTION), part("Delivery", DELIVERY), part("Calls of the bot", CALLS, this.method),
      el("div", { class: "fault-end" }, el("button", clear, "Clear all faults"), this.said));
  }

  #button({ label, done, ...order }, isAboutCalls) {
    const onclick = () => {
      const method = isAboutCalls ? this.method.value : ANY;
      const sentence = typeof done === "string" ? done : done(method || "call");
      return this.#order(method ? { ...order, method } : order, sentence);
    };
    return el("button", { type: "button", class: "button small", onclick }, label);
  }

  #clear() {
    return this.#order({ kind: "clear" }, "Nothing is disturbed any more.");
  }

  async #order(order, sentence) {
    try {
      await orderFault(order);
      this.said.textContent = sentence;
    } catch (error) {
      this.onFailure(error);
    }
  }
}
