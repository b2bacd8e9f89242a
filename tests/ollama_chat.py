"""/api/chat of the scripted Ollama: checks, the window, thoughts, the stream and its end."""

from __future__ import annotations

import asyncio
import json
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web

from .ollama_conduct import Conduct, Message, Written, tagged
from .ollama_faults import TOO_LONG_WORDS, Fault, Json, error, line, opened, reset
from .ollama_model import instance, quote_first_snippet

DEFAULT_NUM_CTX = 4096
CHARACTERS_PER_TOKEN = 4
MIDDLE_FAULTS = frozenset({Fault.ERROR_LINE, Fault.RESET, Fault.BAD_JSON})
LENGTH_FLAGS_VERSION = (0, 12, 6)  # truncate and shift in /api/chat


@dataclass(frozen=True, slots=True)
class Reply:
    """A chat reply, before it is streamed; a piece is its field of the message and the text."""

    pieces: tuple[tuple[str, str], ...]
    last: Json


async def chat(
    conduct: Conduct, request: web.Request, payload: Json, fault: Fault | None
) -> web.StreamResponse:
    """Answer one chat request."""
    model = str(payload.get("model", ""))
    if (refused := _refused(conduct, model, payload)) is not None:
        return refused
    options = payload.get("options") or {}
    window = int(options.get("num_ctx", DEFAULT_NUM_CTX))
    if not payload.get("messages"):
        return await _loaded(conduct, model, payload, window)
    load_duration = await conduct.load(model, window)
    if (bad := _bad_format(payload)) is not None:
        return await _error_line(request, payload, bad)
    prompt = _admitted(conduct, payload, conduct.window_of(model, window))
    if prompt is None:
        return error(400, TOO_LONG_WORDS)
    reply = _reply(conduct, payload, fault, *prompt)
    reply.last["load_duration"] = load_duration
    if payload.get("stream", True):
        return await _streamed(conduct, request, model, reply, fault)
    texts = {name: "" for name, _ in (("content", ""), *reply.pieces)}
    for name, piece in reply.pieces:
        texts[name] += piece
    message = {"role": "assistant", **texts}
    return web.json_response({**_head(model), "message": message, **reply.last})


def _refused(conduct: Conduct, model: str, payload: Json) -> web.Response | None:
    if not model:
        return error(400, "model is required")
    if tagged(model) not in conduct.models:
        return error(404, f'model "{model}" not found, try pulling it first')
    if conduct.capabilities_of(model) == ["embedding"]:
        return error(400, f'"{model}" does not support chat')
    refuses_every_think = conduct.version == "0.12.4" and payload.get("think") is not None
    if (payload.get("think") or refuses_every_think) and not conduct.can_think(model):
        return error(400, f'"{model}" does not support thinking')
    return None


async def _loaded(conduct: Conduct, model: str, payload: Json, window: int) -> web.Response:
    is_unload = payload.get("keep_alive") == 0
    if is_unload:
        conduct.loaded.pop(tagged(model), None)
    else:
        await conduct.load(model, window)
    reason = "unload" if is_unload else "load"
    message = {"role": "assistant", "content": ""}
    return web.json_response(
        {**_head(model), "message": message, "done_reason": reason, "done": True}
    )


def _bad_format(payload: Json) -> str | None:
    form = payload.get("format")
    if not form or form == "json" or isinstance(form, dict):
        return None
    quoted = json.dumps(json.dumps(form))
    return f'invalid format: {quoted}; expected "json" or a valid JSON Schema object'


async def _error_line(request: web.Request, payload: Json, words: str) -> web.StreamResponse:
    if not payload.get("stream", True):
        return error(500, words)
    response = await opened(request)
    await response.write(line({"error": words}))
    return response


def _admitted(conduct: Conduct, payload: Json, window: int) -> tuple[list[Message], int] | None:
    """Return the messages as the model reads them and their tokens; None: refused as too long.

    The front of the last message is cut silently: to the window, by newer servers to half of it.
    """
    messages: list[Message] = [dict(message) for message in payload["messages"]]
    sent = math.ceil(sum(len(message["content"]) for message in messages) / CHARACTERS_PER_TOKEN)
    if sent <= window:
        return messages, sent
    knows_flags = conduct.is_at_least(*LENGTH_FLAGS_VERSION) or conduct.context_shift is True
    if knows_flags and payload.get("truncate") is False and not conduct.ignores_truncate:
        return None
    if conduct.is_at_least(0, 32) and not conduct.shifts():
        return None
    kept = window // 2 + 3 if conduct.shifts() else window
    last = messages[-1]
    last["content"] = last["content"][-kept * CHARACTERS_PER_TOKEN :]
    return messages, kept


def _reply(
    conduct: Conduct, payload: Json, fault: Fault | None, messages: list[Message], sent: int
) -> Reply:
    written = _written(conduct, payload, messages)
    thought = conduct.thought if written.thought is None else written.thought
    text = "" if fault is Fault.EMPTY else written.text
    if thought and conduct.leaks_thought:
        text = f"<think>{thought}</think>{text}"
    pieces = [("content", piece) for piece in _split(text)]
    if thought and not conduct.leaks_thought and _thinks(conduct, payload):
        pieces = [("thinking", piece) for piece in _split(thought)] + pieces
    limit = int((payload.get("options") or {}).get("num_predict", -1))
    is_cut = 0 <= limit < len(pieces) and not conduct.ignores_num_predict
    pieces = pieces[:limit] if is_cut else pieces
    reported = written.prompt_tokens if written.prompt_tokens is not None else conduct.prompt_tokens
    reason = written.done_reason or conduct.done_reason or ("length" if is_cut else "stop")
    eval_count = written.eval_count if written.eval_count is not None else len(pieces)
    last: Json = {
        "done_reason": reason,
        "done": True,
        "total_duration": 2_000_000 + 1_000_000 * len(pieces),
        "load_duration": 0,
        "prompt_eval_count": sent if reported is None else reported,
        "prompt_eval_duration": 1_000_000,
        "eval_count": eval_count,
        "eval_duration": 1_000_000 * len(pieces),
    }
    return Reply(tuple(pieces), {key: value for key, value in last.items() if value != 0})


def _written(conduct: Conduct, payload: Json, messages: list[Message]) -> Written:
    if payload.get("format") and conduct.script is quote_first_snippet:
        schema = payload["format"]
        return Written(json.dumps(instance(schema) if isinstance(schema, dict) else {}))
    written = conduct.script(messages)
    return written if isinstance(written, Written) else Written(written)


def _thinks(conduct: Conduct, payload: Json) -> bool:
    asked = payload.get("think")
    return conduct.is_at_least(0, 12, 4) if asked is None else bool(asked)


def _split(text: str) -> list[str]:
    return re.findall(r"\S+\s*|\s+", text)


async def _streamed(
    conduct: Conduct, request: web.Request, model: str, reply: Reply, fault: Fault | None
) -> web.StreamResponse:
    response = await opened(request)
    if fault is Fault.ERROR_FIRST:
        await response.write(line({"error": conduct.error_words}))
        return response
    pieces = reply.pieces
    if fault is Fault.HALF:
        pieces = pieces[: len(pieces) // 2]
    elif fault in MIDDLE_FAULTS:
        pieces = pieces[: conduct.pieces_before_fault]
    for at, (name, piece) in enumerate(pieces):
        if at == conduct.pause_after:
            await conduct.go_on.wait()
        if at and conduct.piece_seconds:
            await asyncio.sleep(conduct.piece_seconds)
        message = {"role": "assistant", "content": "", name: piece}
        await response.write(line({**_head(model), "message": message, "done": False}))
    if fault is Fault.RESET:
        reset(request)
    elif fault is Fault.ERROR_LINE:
        await response.write(line({"error": conduct.error_words}))
    elif fault is Fault.BAD_JSON:
        await response.write(b'{"message":{"role":"assi\n')
    elif fault not in (Fault.NO_DONE, Fault.HALF):
        message = {"role": "assistant", "content": ""}
        await response.write(line({**_head(model), "message": message, **reply.last}))
    return response


def _head(model: str) -> Json:
    return {"model": model, "created_at": datetime.now(UTC).isoformat()}
