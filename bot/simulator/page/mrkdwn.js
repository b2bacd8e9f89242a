// Slack's mrkdwn → DOM nodes. Only nodes with text are made; anything not understood stays text.

import { el, link, safeAddress, trimAddress } from "./dom.js";
import { emoji, isEmoji } from "./emoji.js";

const TAGS = { "*": "strong", _: "em", "~": "s" };
const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };
const WORD = /[\p{L}\p{N}]/u;
const MAX_DEPTH = 8; // deeper nesting than people write; stops a hostile text from exhausting the stack
const TOKEN = /<([^<>\n]+)>/y;
const EMOJI_NAME = /:([a-z0-9_+-]+):/y;
const BARE_ADDRESS = /https?:\/\/[^\s<>|*~`"]+/y;

export const unescapeText = (text) => text.replace(/&(?:amp|lt|gt);/g, (entity) => ENTITIES[entity]);

function stickyMatch(pattern, text, position) {
  pattern.lastIndex = position;
  return pattern.exec(text);
}

/** A `@name` or `#name` pill; the reader's own name stands out. */
export function pill(text, isReader = false) {
  return el("span", { class: isReader ? "pill pill-me" : "pill" }, text);
}

export function userPill(id, directory, fallback) {
  return pill(`@${directory.userName(id) ?? fallback ?? id}`, id === directory.me);
}

export function channelPill(id, directory, fallback) {
  return pill(`#${directory.channelName(id) ?? fallback ?? id}`);
}

/** What stands between < and >: a person, a channel, a group, a special word or a link. */
export function reference(inside, directory) {
  const bar = inside.indexOf("|");
  const target = bar < 0 ? inside : inside.slice(0, bar);
  const label = bar < 0 ? null : unescapeText(inside.slice(bar + 1));
  if (/^@[UW][A-Z0-9]+$/.test(target)) return userPill(target.slice(1), directory, label);
  if (/^#C[A-Z0-9]+$/.test(target)) return channelPill(target.slice(1), directory, label);
  if (/^!(here|channel|everyone)$/.test(target)) return pill(`@${target.slice(1)}`, true);
  if (target.startsWith("!subteam^")) return pill(label ?? "@group");
  if (target.startsWith("!date^")) return document.createTextNode(label ?? "");
  const address = unescapeText(target);
  if (safeAddress(address)) return link(address, [label || address]);
  if (bar >= 0 && /^[a-z][a-z0-9+.-]*:/i.test(target)) return document.createTextNode(label);
  return null;
}

/** Where a formatted run that opens at `start` closes, or -1: same line, no blank inside its ends. */
function closing(text, start, mark) {
  if (/\s/.test(text[start + 1] ?? " ") || text[start + 1] === mark) return -1;
  if (start > 0 && (WORD.test(text[start - 1]) || text[start - 1] === mark)) return -1;
  for (let at = start + 2; at < text.length && text[at] !== "\n"; at += 1) {
    if (text[at] === "<") {
      const token = stickyMatch(TOKEN, text, at);
      if (token) at += token[0].length - 1;
    } else if (text[at] === "`") {
      const end = text.indexOf("`", at + 1);
      if (end > 0) at = end;
    } else if (text[at] === mark && !/\s/.test(text[at - 1]) && !WORD.test(text[at + 1] ?? " ")) {
      return at;
    }
  }
  return -1;
}

/** The node that starts at `at` and the length of its source, or null where plain text goes on. */
function nodeAt(text, at, scope, depth) {
  const mark = text[at];
  if (mark === "`") {
    const end = text.indexOf("`", at + 1);
    const inside = end > 0 ? text.slice(at + 1, end) : "";
    if (!inside.trim() || inside.includes("\n")) return null;
    return [el("code", {}, unescapeText(inside)), end + 1 - at];
  }
  if (mark === "<") {
    const token = stickyMatch(TOKEN, text, at);
    const node = token && reference(token[1], scope.directory);
    return node ? [node, token[0].length] : null;
  }
  if (mark === ":") {
    const name = stickyMatch(EMOJI_NAME, text, at);
    return name && isEmoji(name[1]) ? [emoji(name[1]), name[0].length] : null;
  }
  if (mark === "h" && scope.findsLinks && !WORD.test(text[at - 1] ?? " ")) {
    const found = stickyMatch(BARE_ADDRESS, text, at);
    const source = found && trimAddress(found[0]);
    const address = source && unescapeText(source);
    return address && safeAddress(address) ? [link(address, [address]), source.length] : null;
  }
  if (mark in TAGS && depth < MAX_DEPTH) {
    const end = closing(text, at, mark);
    if (end < 0) return null;
    const inside = inline(text.slice(at + 1, end), scope, depth + 1);
    return [el(TAGS[mark], {}, ...inside), end + 1 - at];
  }
  return null;
}

/** One run of text without code blocks and quotes → nodes. */
function inline(text, scope, depth = 0) {
  const nodes = [];
  let plainFrom = 0;
  const flush = (to) => to > plainFrom && nodes.push(unescapeText(text.slice(plainFrom, to)));
  for (let at = 0; at < text.length; ) {
    const found = nodeAt(text, at, scope, depth);
    if (found) {
      flush(at);
      nodes.push(found[0]);
      at += found[1];
      plainFrom = at;
    } else {
      at += 1;
    }
  }
  flush(text.length);
  return nodes;
}

function withQuotes(text, scope) {
  const nodes = [];
  let group = [];
  let isQuote = false;
  const close = () => {
    if (group.length === 0) return;
    const inside = inline(group.join("\n"), scope);
    nodes.push(isQuote ? el("blockquote", {}, ...inside) : el("div", {}, ...inside));
    group = [];
  };
  for (const line of text.split("\n")) {
    const quoted = /^(?:>|&gt;) ?(.*)$/.exec(line);
    if (Boolean(quoted) !== isQuote) close();
    isQuote = Boolean(quoted);
    group.push(quoted ? quoted[1] : line);
  }
  close();
  return nodes;
}

/** Code shows links as their label, because nothing is formatted in it. */
function codeText(source) {
  const plain = source.replace(/<(https?:[^<>|\n]*)(?:\|([^<>\n]*))?>/g, (_, url, label) => label ?? url);
  return unescapeText(plain);
}

/** A whole mrkdwn text, with ``` blocks and > quotes; `findsLinks`: bare addresses become links. */
export function mrkdwn(text, directory, findsLinks = true) {
  const scope = { directory, findsLinks };
  const pieces = String(text ?? "").split("```");
  if (pieces.length % 2 === 0) { // a fence that never closes is text
    const tail = pieces.pop();
    pieces.push(`${pieces.pop()}\`\`\`${tail}`);
  }
  const nodes = pieces.flatMap((piece, index) => {
    if (index % 2 === 0) return piece ? withQuotes(piece.replace(/^\n/, ""), scope) : [];
    return [el("pre", {}, el("code", {}, codeText(piece.replace(/^\n|\n$/g, ""))))];
  });
  return el("div", { class: "mrkdwn", dir: "auto" }, ...nodes);
}
