// Slack's `markdown` block: block structure of Markdown → DOM nodes (inline parts: markdown-inline.js).

import { el } from "./dom.js";
import { inlineMarkdown } from "./markdown-inline.js";

const FENCE = /^ {0,3}(`{3,}|~{3,})[^`]*$/;
const HEADING = /^ {0,3}(#{1,6})(?:\s+(.*?))?(?:\s+#+)?\s*$/;
const RULE = /^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( *)([-*+•]|\d{1,9}[.)])(?:( +)(.*)|)$/;
const DELIMITERS = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;
const MAX_DEPTH = 10; // quotes in lists in quotes…: deeper levels are shown as text

const isBlank = (line) => line.trim() === "";
const indentOf = (line) => line.length - line.trimStart().length;

function opensBlock(lines, at) {
  const line = lines[at];
  const item = ITEM.exec(line);
  return FENCE.test(line) || HEADING.test(line) || RULE.test(line) || QUOTE.test(line)
    || Boolean(item && item[4]) || isTable(lines, at);
}

function fenced(lines, at) {
  const fence = FENCE.exec(lines[at])[1];
  const indent = indentOf(lines[at]);
  let end = at + 1;
  while (end < lines.length && !lines[end].trim().startsWith(fence)) end += 1;
  const body = lines.slice(at + 1, end).map((line) => line.slice(Math.min(indent, indentOf(line))));
  return [el("pre", {}, el("code", {}, body.join("\n"))), end + 1];
}

function heading(lines, at, directory) {
  const [, marks, text = ""] = HEADING.exec(lines[at]);
  // The page's own headings are h1 and h2, so a message's outline starts at h3.
  const tag = `h${Math.min(marks.length + 2, 6)}`;
  return [el(tag, { class: `level-${marks.length}` }, ...inlineMarkdown(text, directory)), at + 1];
}

function quote(lines, at, directory, depth) {
  let end = at;
  while (end < lines.length && QUOTE.test(lines[end])) end += 1;
  const inside = lines.slice(at, end).map((line) => line.replace(QUOTE, ""));
  return [el("blockquote", {}, ...blocks(inside, directory, depth + 1)), end];
}

function cells(line) {
  const row = line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
  return row.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

function isTable(lines, at) {
  const next = lines[at + 1];
  return next !== undefined && lines[at].includes("|") && next.includes("-") && DELIMITERS.test(next)
    && cells(lines[at]).length === cells(next).length;
}

function alignment(delimiter) {
  if (/^:-+:$/.test(delimiter)) return "align-center";
  return delimiter.endsWith(":") ? "align-right" : null;
}

function table(lines, at, directory) {
  const aligned = cells(lines[at + 1]).map(alignment);
  const row = (line, tag) => {
    const found = cells(line);
    return el("tr", {}, ...aligned.map((side, column) =>
      el(tag, { class: side, scope: tag === "th" ? "col" : null },
        ...inlineMarkdown(found[column] ?? "", directory))));
  };
  let end = at + 2;
  while (end < lines.length && !isBlank(lines[end]) && lines[end].includes("|")) end += 1;
  const body = lines.slice(at + 2, end).map((line) => row(line, "td"));
  const grid = el("table", {}, el("thead", {}, row(lines[at], "th")), el("tbody", {}, ...body));
  return [el("div", { class: "table-place", tabindex: "0", role: "region", "aria-label": "Table" }, grid),
    end];
}

/** The lines of the item at `at`, without its marker, and where the next line after it is. */
function itemLines(lines, at) {
  const [, lead, marker, gap = " ", text = ""] = ITEM.exec(lines[at]);
  const inner = lead.length + marker.length + Math.min(gap.length, 4);
  const inside = [text];
  let end = at + 1;
  for (; end < lines.length; end += 1) {
    const line = lines[end];
    if (isBlank(line)) {
      const next = lines.slice(end + 1).find((later) => !isBlank(later));
      if (next === undefined || indentOf(next) <= lead.length) break;
      inside.push("");
    } else if (indentOf(line) > lead.length) {
      inside.push(line.slice(Math.min(inner, indentOf(line))));
    } else if (opensBlock(lines, end) || isBlank(lines[end - 1])) {
      break;
    } else {
      inside.push(line.trimStart());
    }
  }
  return [inside, end];
}

function list(lines, at, directory, depth) {
  const first = ITEM.exec(lines[at]);
  const isOrdered = /\d/.test(first[2]);
  const items = [];
  let next = at;
  while (next < lines.length) {
    const item = ITEM.exec(lines[next]);
    if (!item || /\d/.test(item[2]) !== isOrdered || RULE.test(lines[next])) break;
    const [inside, end] = itemLines(lines, next);
    const task = /^\[([ xX])\] (.*)$/.exec(inside[0]);
    if (task) inside[0] = `${task[1] === " " ? "☐" : "☑"} ${task[2]}`;
    items.push(el("li", {}, ...blocks(inside, directory, depth + 1, true)));
    next = end;
    while (next < lines.length && isBlank(lines[next])) next += 1;
  }
  const start = isOrdered && parseInt(first[2], 10) !== 1 ? parseInt(first[2], 10) : null;
  return [el(isOrdered ? "ol" : "ul", { start }, ...items), next];
}

function paragraph(lines, at, directory, isTight) {
  let end = at + 1;
  while (end < lines.length && !isBlank(lines[end]) && !opensBlock(lines, end)) end += 1;
  const text = lines.slice(at, end).map((line) => line.trim().replace(/\\$/, "")).join("\n");
  return [el(isTight ? "div" : "p", {}, ...inlineMarkdown(text, directory)), end];
}

function blocks(lines, directory, depth, isTight = false) {
  const nodes = [];
  for (let at = 0; at < lines.length; ) {
    const line = lines[at];
    let found;
    if (isBlank(line)) {
      at += 1;
      continue;
    }
    if (depth >= MAX_DEPTH) return [el("p", {}, lines.join("\n"))];
    if (FENCE.test(line)) found = fenced(lines, at);
    else if (HEADING.test(line)) found = heading(lines, at, directory);
    else if (RULE.test(line)) found = [el("hr"), at + 1];
    else if (QUOTE.test(line)) found = quote(lines, at, directory, depth);
    else if (isTable(lines, at)) found = table(lines, at, directory);
    else if (ITEM.test(line)) found = list(lines, at, directory, depth);
    else found = paragraph(lines, at, directory, isTight);
    nodes.push(found[0]);
    at = found[1];
  }
  return nodes;
}

/** A whole Markdown text as one element. */
export function markdown(text, directory) {
  const lines = String(text ?? "").replace(/\r\n?/g, "\n").replaceAll("\t", "    ").split("\n");
  return el("div", { class: "markdown", dir: "auto" }, ...blocks(lines, directory, 0));
}
