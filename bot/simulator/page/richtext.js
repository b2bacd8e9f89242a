// `rich_text` and `table` blocks → DOM nodes.

import { el, link } from "./dom.js";
import { emoji } from "./emoji.js";
import { channelPill, pill, userPill } from "./mrkdwn.js";

const STYLE_TAGS = [["code", "code"], ["strike", "s"], ["italic", "em"], ["bold", "strong"]];

function styled(node, style = {}) {
  return STYLE_TAGS.reduce((inner, [name, tag]) => (style[name] ? el(tag, {}, inner) : inner), node);
}

function glyph(element) {
  if (!/^[0-9a-f]{2,6}(-[0-9a-f]{2,6})*$/i.test(element.unicode ?? "")) return emoji(element.name ?? "");
  const points = element.unicode.split("-").map((point) => parseInt(point, 16));
  return points.every((point) => point <= 0x10ffff) ? String.fromCodePoint(...points) : "";
}

function part(element, directory) {
  const { style } = element;
  switch (element.type) {
    case "text": return styled(element.text ?? "", style);
    case "link": return styled(link(element.url, [element.text || element.url || ""]), style);
    case "user": return styled(userPill(element.user_id, directory), style);
    case "channel": return styled(channelPill(element.channel_id, directory), style);
    case "usergroup": return pill("@group");
    case "broadcast": return pill(`@${element.range}`, true);
    case "emoji": return glyph(element);
    case "date": return element.fallback ?? "";
    default: return element.text ?? "";
  }
}

const parts = (elements, directory) => (elements ?? []).map((element) => part(element, directory));

function list(element, directory) {
  const tag = element.style === "ordered" ? "ol" : "ul";
  const indent = Math.min(Number(element.indent) || 0, 8);
  const start = tag === "ol" && element.offset ? Number(element.offset) + 1 : null;
  const items = (element.elements ?? []).map((item) => el("li", {}, ...parts(item.elements, directory)));
  return el(tag, { class: `indent-${indent}`, start }, ...items);
}

function section(element, directory) {
  switch (element.type) {
    case "rich_text_list": return list(element, directory);
    case "rich_text_quote": return el("blockquote", {}, ...parts(element.elements, directory));
    case "rich_text_preformatted":
      return el("pre", {}, el("code", {}, ...parts(element.elements, directory)));
    default: return el("div", {}, ...parts(element.elements, directory));
  }
}

export function richText(block, directory) {
  const sections = (block.elements ?? []).map((element) => section(element, directory));
  return el("div", { class: "rich-text", dir: "auto" }, ...sections);
}

function cell(content, tag, column) {
  const attributes = {
    class: column?.align && column.align !== "left" ? `align-${column.align}` : null,
    scope: tag === "th" ? "col" : null,
  };
  return (directory) => {
    if (content?.type === "rich_text") return el(tag, attributes, richText(content, directory));
    return el(tag, attributes, String(content?.text ?? content?.value ?? ""));
  };
}

/** A `table` block; Slack shows its first row as the head. */
export function tableBlock(block, directory) {
  const columns = block.column_settings ?? [];
  const rows = (block.rows ?? []).map((row, index) =>
    el("tr", {}, ...row.map((content, column) =>
      cell(content, index === 0 ? "th" : "td", columns[column])(directory))));
  const grid = el("table", {}, el("thead", {}, ...rows.slice(0, 1)), el("tbody", {}, ...rows.slice(1)));
  return el("div", { class: "table-place", tabindex: "0", role: "region", "aria-label": "Table" }, grid);
}
