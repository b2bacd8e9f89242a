// One message → one row: avatar, name, time, body, reactions, replies and its tools.

import { renderBlocks } from "./blocks.js";
import { el, icon } from "./dom.js";
import { emoji } from "./emoji.js";
import { toggleMenu } from "./menu.js";
import { mrkdwn } from "./mrkdwn.js";
import { clock, day, fullTime, shortClock } from "./time.js";

function body(message, context) {
  const { directory } = context;
  if (message.blocks?.length > 0 && !isOwnTyping(message)) return renderBlocks(message.blocks, context);
  return mrkdwn(message.text, directory);
}

/** What a person typed carries one rich_text block that says the same as the text. */
function isOwnTyping(message) {
  return !message.bot_id && Boolean(message.text) && message.blocks.length === 1
    && message.blocks[0].type === "rich_text";
}

function heading(message, author) {
  return el("div", { class: "message-head" },
    el("span", { class: "author" }, author.name),
    author.isBot ? el("span", { class: "app-badge" }, "APP") : null,
    author.badge ? el("span", { class: "role-badge" }, author.badge) : null,
    el("time", { title: fullTime(message.ts) }, clock(message.ts)));
}

function reactions(message) {
  if (!message.reactions?.length) return null;
  return el("ul", { class: "reactions", "aria-label": "Reactions" },
    ...message.reactions.map(({ name, count, users }) =>
      el("li", { title: `:${name}:` }, `${emoji(name)} ${count ?? users?.length ?? 1}`)));
}

const replyWord = (count) => `${count} ${count === 1 ? "reply" : "replies"}`;

function replies(message, openThread) {
  if (!openThread || !message.reply_count) return null;
  const latest = message.latest_reply;
  const last = latest
    ? el("span", { class: "last-reply" }, `Last reply ${day(latest).toLowerCase()} at ${clock(latest)}`)
    : null;
  return el("button", {
    type: "button",
    class: "replies",
    "data-key": "replies",
    "aria-label": `${replyWord(message.reply_count)} · View thread`,
    onclick: () => openThread(message.ts),
  },
  el("span", { class: "reply-count" }, replyWord(message.reply_count)),
  last,
  el("span", { class: "view-thread" }, "View thread"));
}

function tool(key, name, label, onclick, attributes = {}) {
  const named = { "data-key": key, "aria-label": label, title: label, onclick };
  return el("button", { type: "button", class: "icon-button", ...named, ...attributes }, icon(name));
}

function tools(message, { openThread, menuItems }) {
  if (message.is_ephemeral) return null;
  const items = menuItems?.(message) ?? [];
  if (!openThread && items.length === 0) return null;
  const label = "More actions";
  const more = ({ currentTarget }) => toggleMenu(currentTarget, label, items);
  const menu = { "aria-haspopup": "menu", "aria-expanded": "false" };
  return el("div", { class: "tools" },
    openThread ? tool("reply", "reply", "Reply in thread", () => openThread(message.ts)) : null,
    items.length > 0 ? tool("more", "more", label, more, menu) : null);
}

/** A click on a message with replies opens them, unless it hit a control or selected text. */
function opensOnClick(message, openThread) {
  if (!openThread || !message.reply_count) return null;
  return ({ target }) => {
    if (target.closest("a, button, .table-place")) return;
    if (!window.getSelection()?.isCollapsed) return;
    openThread(message.ts);
  };
}

/** The row of a message. `isCompact`: the same author went on talking, so no avatar and name. */
export function messageRow(message, context, isCompact) {
  const { directory, openThread } = context;
  const author = directory.author(message);
  const isEphemeral = Boolean(message.is_ephemeral);
  const classes = ["message", isCompact && "compact", isEphemeral && "ephemeral",
    message.streaming && "streaming",
    openThread && message.reply_count && "has-replies"].filter(Boolean).join(" ");
  const privacy = isEphemeral
    ? el("p", { class: "privacy" }, icon("eye"), "Only visible to you")
    : null;
  const gutter = isCompact
    ? el("time", { class: "gutter-time", title: fullTime(message.ts) }, shortClock(message.ts))
    : directory.avatar(author);
  const content = el("div", { class: "message-content" },
    isCompact ? null : heading(message, author),
    el("div", { class: "message-body" },
      body(message, { ...context, onAction: (action) => context.onAction(message, action) }),
      message.edited ? el("span", { class: "edited" }, "(edited)") : null),
    reactions(message),
    replies(message, openThread));
  return el("article", {
    class: classes,
    "data-ts": message.ts,
    "aria-busy": message.streaming ? "true" : null, // read out once it is whole
    "aria-label": `${author.name}, ${clock(message.ts)}${isEphemeral ? ", only visible to you" : ""}`,
    onclick: opensOnClick(message, openThread),
  },
  privacy,
  el("div", { class: "message-row" }, el("div", { class: "gutter" }, gutter), content),
  tools(message, context));
}
