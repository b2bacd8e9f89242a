// Inline Markdown → DOM nodes: emphasis, code, links, Slack's <…> references. HTML stays text.

import { el, link, safeAddress, trimAddress } from "./dom.js";
import { emoji, isEmoji } from "./emoji.js";
import { reference } from "./mrkdwn.js";

const RUNS = [["***", "strong"], ["___", "strong"], ["**", "strong"], ["__", "strong"],
  ["~~", "s"], ["*", "em"], ["_", "em"], ["~", "s"]];
const WORD = /[\p{L}\p{N}]/u;
const MAX_DEPTH = 8; // see mrkdwn.js
const ENTITY = /&(?:amp|lt|gt|quot|#39|nbsp);/g;
const ENTITIES = {
  "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&nbsp;": "\u00a0",
};
const TARGET = /\(\s*(?:<([^<>\n]*)>|([^\s<>()]*(?:\([^\s()]*\)[^\s<>()]*)*))(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)/y;
const ANGLE = /<([^<>\n]+)>/y;
const BARE_ADDRESS = /https?:\/\/[^\s<>|*`"]+/y;
const EMOJI_NAME = /:([a-z0-9_+-]+):/y;

const decode = (text) => text.replace(ENTITY, (entity) => ENTITIES[entity]);

function stickyMatch(pattern, text, position) {
  pattern.lastIndex = position;
  return pattern.exec(text);
}

function codeSpan(text, at) {
  const fence = /`+/y;
  fence.lastIndex = at;
  const ticks = fence.exec(text)[0];
  let end = text.indexOf(ticks, at + ticks.length);
  while (end >= 0 && text[end + ticks.length] === "`") {
    let next = end;
    while (text[next] === "`") next += 1;
    end = text.indexOf(ticks, next);
  }
  if (end < 0) return [ticks, ticks.length];
  const inside = text.slice(at + ticks.length, end).replaceAll("\n", " ");
  const trimmed = /^ .*[^ ].* $/.test(inside) ? inside.slice(1, -1) : inside;
  return [el("code", {}, trimmed), end + ticks.length - at];
}

function closingBracket(text, open) {
  let depth = 0;
  for (let at = open; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === "[") depth += 1;
    else if (text[at] === "]" && (depth -= 1) === 0) return at;
  }
  return -1;
}

/** `[label](address)`, or `![alt](address)` as a link with its alternative text. */
function bracketLink(text, at, directory, depth) {
  const open = text[at] === "!" ? at + 1 : at;
  const end = closingBracket(text, open);
  const target = end > 0 && stickyMatch(TARGET, text, end + 1);
  if (!target) return null;
  const label = inlineMarkdown(text.slice(open + 1, end), directory, depth + 1);
  const address = decode(target[1] ?? target[2] ?? "").replace(/\\(.)/g, "$1");
  return [link(address, label.length > 0 ? label : [address]), end + 1 + target[0].length - at];
}

/** Where the run that closes `mark` starts, or -1. Runs count as a whole, so *a **b** c* nests. */
function closingRun(text, from, mark) {
  const character = mark[0];
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === "\\") {
      at += 1;
    } else if (text[at] === "`") {
      const end = text.indexOf("`", at + 1);
      if (end > 0) at = end;
    } else if (text[at] === character) {
      let end = at;
      while (text[end] === character) end += 1;
      const length = end - at;
      const canClose = at > from && !/\s/.test(text[at - 1])
        && !(character === "_" && WORD.test(text[end] ?? " "));
      const belongsInside = mark.length === 1 && length === 2;
      if (canClose && length >= mark.length && !belongsInside) return end - mark.length;
      at = end - 1;
    }
  }
  return -1;
}

function emphasis(text, at, directory, depth) {
  for (const [mark, tag] of RUNS) {
    if (!text.startsWith(mark, at)) continue;
    if (/\s/.test(text[at + mark.length] ?? " ")) continue;
    if (mark[0] === "_" && WORD.test(text[at - 1] ?? " ")) continue;
    const end = closingRun(text, at + mark.length, mark);
    if (end < 0) continue;
    const inside = inlineMarkdown(text.slice(at + mark.length, end), directory, depth + 1);
    const node = mark.length === 3 ? el("em", {}, el(tag, {}, ...inside)) : el(tag, {}, ...inside);
    return [node, end + mark.length - at];
  }
  return null;
}

function nodeAt(text, at, directory, depth) {
  const character = text[at];
  if (character === "\\" && /[!-/:-@[-`{-~]/.test(text[at + 1] ?? "")) return [text[at + 1], 2];
  if (character === "`") return codeSpan(text, at);
  if (character === "<") {
    const token = stickyMatch(ANGLE, text, at);
    const isReference = token && (/^[@#!]/.test(token[1]) || /^https?:/i.test(token[1]));
    const node = isReference && reference(token[1], directory);
    return node ? [node, token[0].length] : null;
  }
  if (character === ":") {
    const name = stickyMatch(EMOJI_NAME, text, at);
    return name && isEmoji(name[1]) ? [emoji(name[1]), name[0].length] : null;
  }
  if (character === "h" && !WORD.test(text[at - 1] ?? " ")) {
    const found = stickyMatch(BARE_ADDRESS, text, at);
    const source = found && trimAddress(found[0]);
    const address = source && decode(source);
    return address && safeAddress(address) ? [link(address, [address]), source.length] : null;
  }
  if (depth >= MAX_DEPTH) return null;
  if (character === "[" || text.startsWith("![", at)) return bracketLink(text, at, directory, depth);
  if ("*_~".includes(character)) return emphasis(text, at, directory, depth);
  return null;
}

/** The nodes of one paragraph's worth of Markdown. */
export function inlineMarkdown(text, directory, depth = 0) {
  const nodes = [];
  let plainFrom = 0;
  const flush = (to) => to > plainFrom && nodes.push(decode(text.slice(plainFrom, to)));
  for (let at = 0; at < text.length; ) {
    const found = nodeAt(text, at, directory, depth);
    if (found) {
      flush(at);
      nodes.push(found[0]);
      at += found[1];
      plainFrom = at;
    } else if ("*_~".includes(text[at])) {
      const mark = text[at];
      while (text[at] === mark) at += 1; // a run that opens nothing is text as a whole
    } else {
      at += 1;
    }
  }
  flush(text.length);
  return nodes;
}
