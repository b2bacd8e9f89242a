"""The chunks of a stream: read and checked, and how a message's blocks grow with them."""

from __future__ import annotations

from .blocks import MARKDOWN_CHARACTERS, MESSAGE_BLOCKS, check_blocks
from .model import Json, SlackError

FIELD_CHARACTERS = 256  # of a task's or plan's texts
STATUSES = ("pending", "in_progress", "complete", "error")
TASK_FIELDS = ("type", "id", "title", "status", "details", "output", "sources")


def read_chunks(arguments: Json) -> list[Json]:
    """Give the chunks of a call, markdown_text first; raise invalid_chunks or msg_too_long."""
    chunks = arguments.get("chunks") or []
    if not isinstance(chunks, list):
        raise SlackError("invalid_chunks")
    text = arguments.get("markdown_text")
    if text:
        chunks = [{"type": "markdown_text", "text": text}, *chunks]
    for chunk in chunks:
        _check(chunk)
    return chunks


def grow(blocks: list[Json], chunks: list[Json]) -> list[Json]:
    """Give the blocks with chunks added: text joins text, a task replaces its earlier card."""
    grown = list(blocks)
    for chunk in chunks:
        match chunk["type"]:
            case "markdown_text" if grown and grown[-1]["type"] == "markdown":
                grown[-1] = {**grown[-1], "text": grown[-1]["text"] + chunk["text"]}
            case "markdown_text":
                block_id = f"text{len(grown)}"
                grown.append({"type": "markdown", "block_id": block_id, "text": chunk["text"]})
            case "blocks":
                grown += check_blocks(chunk["blocks"])
            case "plan_update":
                plan = {"type": "plan", "block_id": "plan", "title": chunk["title"]}
                _put_card(grown, plan)
            case _:
                _put_card(grown, _card(chunk))
    return limited(grown)


def limited(blocks: list[Json]) -> list[Json]:
    """Give the blocks of a streamed message, which are as many as in any other."""
    if len(blocks) > MESSAGE_BLOCKS:
        problem = f"[ERROR] no more than {MESSAGE_BLOCKS} items allowed [json-pointer:/blocks]"
        raise SlackError("invalid_blocks", response_metadata={"messages": [problem]})
    return blocks


def without_leading_blanks(chunks: list[Json]) -> list[Json]:
    """Give the chunks as Slack now and then joins them: blanks at the seam are gone."""
    return [
        {**chunk, "text": chunk["text"].lstrip(" ")} if chunk["type"] == "markdown_text" else chunk
        for chunk in chunks
    ]


def text_of(blocks: list[Json]) -> str:
    """Give the streamed text."""
    return "".join(block["text"] for block in blocks if block["type"] == "markdown")


def _check(chunk: object) -> None:
    if not isinstance(chunk, dict):
        raise SlackError("invalid_chunks")
    match chunk.get("type"):
        case "markdown_text":
            is_good = isinstance(chunk.get("text"), str) and chunk.keys() == {"type", "text"}
            if is_good and len(chunk["text"]) > MARKDOWN_CHARACTERS:
                raise SlackError("msg_too_long")
        case "task_update":
            is_good = isinstance(chunk.get("id"), str) and chunk.get("status") in STATUSES
            is_good = is_good and bool(chunk.get("title")) and chunk.keys() <= set(TASK_FIELDS)
            is_good = is_good and _are_short(chunk, "title", "details", "output")
        case "plan_update":
            is_good = bool(chunk.get("title")) and _are_short(chunk, "title")
        case "blocks":
            is_good = isinstance(chunk.get("blocks"), list)
            if is_good and any(block.get("type") == "file" for block in chunk["blocks"]):
                raise SlackError("internal_error")  # measured on Slack
        case _:
            is_good = False
    if not is_good:
        raise SlackError("invalid_chunks")


def _are_short(chunk: Json, *names: str) -> bool:
    texts = [chunk[name] for name in names if chunk.get(name) is not None]
    return all(isinstance(text, str) and len(text) <= FIELD_CHARACTERS for text in texts)


def _card(chunk: Json) -> Json:
    card = {"type": "task_card", "block_id": f"task-{chunk['id']}", "task_id": chunk["id"]}
    return card | {name: chunk[name] for name in chunk if name not in ("type", "id")}


def _put_card(blocks: list[Json], card: Json) -> None:
    for index, block in enumerate(blocks):
        if block.get("block_id") == card["block_id"]:
            blocks[index] = block | card
            return
    blocks.append(card)
