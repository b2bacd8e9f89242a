// The start of a conversation: what it is, and first questions that fill in the composer.

import { el, icon } from "./dom.js";

const QUESTION = "how do I lock timesheets?";
const COMMAND_QUESTION = "how do I track time";
const TITLE_ICONS = { public: "hash", private: "lock", external: "shared" };

function suggestions(directory, channel) {
  const offered = new Set(directory.state.commands.map((each) => each.command));
  const found = [channel.kind === "im"
    ? { text: QUESTION, note: "Ask in this conversation; nobody else sees it" }
    : { text: `@${directory.bot.name} ${QUESTION}`, note: "Ask in public; the answer comes in a thread" }];
  if (offered.has("/clockify")) {
    found.push({ text: `/clockify ${COMMAND_QUESTION}`, note: "Ask in private; only you see the answer" });
  }
  if (offered.has("/clockify-rebuild") && directory.isAdmin) {
    found.push({ text: "/clockify-rebuild", note: "Read the articles again (admins only)" });
  }
  return found;
}

function opening(directory, channel) {
  const name = directory.channelName(channel.id);
  if (channel.kind === "im") return `This is the beginning of your conversation with ${name}.`;
  const kinds = { private: "private channel", external: "channel shared with another company" };
  return `This is the beginning of the ${kinds[channel.kind] ?? "channel"} #${name}.`;
}

function mark(directory, channel) {
  if (channel.kind === "im") return directory.avatar({ id: directory.bot.id, name: directory.bot.name });
  return el("span", { class: "welcome-icon" }, icon(TITLE_ICONS[channel.kind] ?? "hash"));
}

/** The intro above the first message; with suggestions while the conversation is empty. */
export function welcome(directory, channel, isEmpty, fill) {
  const node = el("section", { class: "welcome", "aria-label": "About this conversation" },
    mark(directory, channel),
    el("h2", {}, directory.channelName(channel.id)),
    el("p", {}, opening(directory, channel)));
  if (isEmpty) {
    node.append(
      el("p", { class: "welcome-try" }, "Try one of these:"),
      el("ul", { class: "suggestions" }, ...suggestions(directory, channel).map(({ text, note }) =>
        el("li", {}, el("button", { type: "button", class: "suggestion", onclick: () => fill(text) },
          el("span", { class: "suggestion-text" }, text),
          el("span", { class: "suggestion-note" }, note))))));
  }
  node.dataset.furniture = `${directory.me}/${channel.id}/${isEmpty}`;
  return node;
}
