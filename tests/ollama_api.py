"""The other endpoints of the scripted Ollama: version, tags, show, embed, ps and pull."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from aiohttp import web

from .ollama_conduct import Conduct, tagged
from .ollama_faults import (
    CRASH_WORDS,
    TOO_LONG_WORDS,
    Fault,
    Json,
    broken_body,
    error,
    line,
    opened,
    reset,
)

METHODS = {
    "/": ("GET", "HEAD"),
    "/api/version": ("GET", "HEAD"),
    "/api/tags": ("GET", "HEAD"),
    "/api/ps": ("GET",),
    "/api/show": ("POST",),
    "/api/embed": ("POST",),
    "/api/chat": ("POST",),
    "/api/pull": ("POST",),
}
FLOATS = ("temperature", "top_p", "min_p", "typical_p", "repeat_penalty", "presence_penalty")
INTEGERS = ("num_ctx", "num_predict", "seed", "top_k", "num_keep", "num_batch", "num_gpu")
PULL_STEPS = 4
DETAILS = {"format": "gguf", "family": "llama", "parameter_size": "135M"}


def misplaced(request: web.Request) -> web.Response | None:
    """Return what a foreign host name, and a path or method that does not exist, get."""
    if not _is_local(request.host.rpartition(":")[0] or request.host):
        return web.Response(status=403)
    methods = METHODS.get(request.path)
    if methods is None:
        return web.Response(status=404, text="404 page not found")
    if request.method not in methods:
        return web.Response(status=405, text="405 method not allowed")
    return None


def wrong_option(payload: Json) -> str | None:
    """Return what the server says about the first option of a wrong type."""
    for name, value in (payload.get("options") or {}).items():
        is_number = isinstance(value, float | int) and not isinstance(value, bool)
        if name in FLOATS and not is_number:
            return f'option "{name}" must be of type float32'
        if name in INTEGERS and not is_number:
            return f'option "{name}" must be of type integer'
    return None


def tags(conduct: Conduct) -> web.Response:
    if conduct.tags is not None:
        return web.json_response(conduct.tags)
    moment = datetime.now(UTC).isoformat()
    entries = [{**_entry(name), "modified_at": moment} for name in sorted(conduct.models)]
    return web.json_response({"models": entries})


def loaded(conduct: Conduct) -> web.Response:
    """Answer /api/ps."""
    until = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    names = [name for name in conduct.loaded if name in conduct.models]
    entries = [{**_entry(name), "expires_at": until, "size_vram": 0} for name in names]
    return web.json_response({"models": entries})


def show(conduct: Conduct, payload: Json) -> web.Response:
    model = str(payload.get("model", ""))
    if not model:
        return error(400, "model is required")
    if tagged(model) not in conduct.models:
        return error(404, f"model '{model}' not found")
    capabilities = conduct.capabilities_of(model)
    architecture = "bert" if "embedding" in capabilities else "llama"
    facts: Json = {
        "general.architecture": architecture,
        f"{architecture}.embedding_length": conduct.dimension,
    }
    if (length := conduct.context_of(model)) is not None:
        facts[f"{architecture}.context_length"] = length
    reply = {"details": DETAILS, "model_info": facts, "capabilities": capabilities}
    if conduct.parameters:
        reply["parameters"] = conduct.parameters
    return web.json_response(reply)


async def embed(
    conduct: Conduct, request: web.Request, payload: Json, fault: Fault | None
) -> web.StreamResponse:
    reply = await _embedded(conduct, payload, fault)
    if fault in (Fault.HALF, Fault.RESET, Fault.BAD_JSON):
        return await broken_body(fault, request, reply)
    return reply


async def _embedded(conduct: Conduct, payload: Json, fault: Fault | None) -> web.Response:
    given, model = payload.get("input"), str(payload.get("model", ""))
    texts = given if isinstance(given, list) else [] if given in (None, "") else [given]
    if not all(isinstance(text, str) for text in texts):
        return error(400, "invalid input type")
    if tagged(model) not in conduct.models:
        return error(404, f'model "{model}" not found, try pulling it first')
    window = int((payload.get("options") or {}).get("num_ctx", 4096))
    load_duration = await conduct.load(model, window)
    limit = conduct.context_of(model)
    if limit is not None and any(len(text.split()) > limit for text in texts):
        if not payload.get("truncate", True):
            is_new = conduct.is_at_least(0, 12)
            return error(
                400, TOO_LONG_WORDS if is_new else "input length exceeds maximum context length"
            )
        texts = [" ".join(text.split()[:limit]) for text in texts]
    if conduct.bad_input and any(conduct.bad_input in text for text in texts):
        return error(400, "embedding contains NaN or Inf values")
    if fault in (Fault.ERROR_FIRST, Fault.ERROR_LINE):
        return error(200, CRASH_WORDS)
    vectors = [conduct.vector_of(text) for text in texts]
    if fault in (Fault.WRONG_COUNT, Fault.EMPTY):
        vectors = [] if fault is Fault.EMPTY else vectors[:-1]
    if fault is Fault.BAD_VALUES:
        vectors[-1] = conduct.bad_vector
    reply: Json = {"model": model, "embeddings": vectors}
    if texts:
        words = sum(len(text.split()) for text in texts)
        counts = {"total_duration": 50_000_000, "load_duration": load_duration}
        reply |= counts | ({"prompt_eval_count": words} if words else {})
    return web.json_response(reply)


async def pull(
    conduct: Conduct, request: web.Request, payload: Json, fault: Fault | None
) -> web.StreamResponse:
    """Fetch a model that is pullable, with progress; fails midway with a fault."""
    name = str(payload.get("model") or payload.get("name") or "")
    if not name:
        return error(400, "model is required")
    problem = _pull_problem(conduct, name, fault)
    if not payload.get("stream", True):
        if problem or fault is Fault.ERROR_LINE:
            return error(500, problem or "max retries exceeded: unexpected EOF")
        conduct.models.add(tagged(name))
        return web.json_response({"status": "success"})
    response = await opened(request)
    await response.write(line({"status": "pulling manifest"}))
    if problem:
        await response.write(line({"error": problem}))
        return response
    digest = f"sha256:{hashlib.sha256(name.encode()).hexdigest()}"
    layer: Json = {"status": f"pulling {digest[7:19]}", "digest": digest}
    layer["total"] = conduct.layer_bytes
    for step in range(PULL_STEPS + 1):
        if step == PULL_STEPS // 2 and fault in (Fault.ERROR_LINE, Fault.RESET, Fault.HALF):
            if fault is Fault.ERROR_LINE:
                await response.write(line({"error": "max retries exceeded: unexpected EOF"}))
            elif fault is Fault.RESET:
                reset(request)
            return response
        done = {"completed": conduct.layer_bytes * step // PULL_STEPS} if step else {}
        await response.write(line({**layer, **done}))
        if conduct.piece_seconds:
            await asyncio.sleep(conduct.piece_seconds)
    conduct.models.add(tagged(name))
    for status in ("verifying sha256 digest", "writing manifest", "success"):
        if not (status == "success" and fault is Fault.NO_DONE):
            await response.write(line({"status": status}))
    return response


def _is_local(host: str) -> bool:
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        return bool(ip_address(host.strip("[]")))
    except ValueError:
        return False


def _pull_problem(conduct: Conduct, name: str, fault: Fault | None) -> str:
    if conduct.pull_problem:
        return conduct.pull_problem
    if fault is Fault.ERROR_FIRST or conduct.is_offline:
        return "pull model manifest: dial tcp: lookup registry.invalid: no such host"
    known = conduct.models | {tagged(model) for model in conduct.pullable}
    return "" if tagged(name) in known else "pull model manifest: file does not exist"


def _entry(name: str) -> Json:
    digest = hashlib.sha256(name.encode()).hexdigest()
    return {"name": name, "model": name, "size": 1_000_000, "digest": digest, "details": DETAILS}
