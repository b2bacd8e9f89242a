"""Create models on an Ollama out of files: blobs by digest, then /api/create."""

from __future__ import annotations

import hashlib
import json
import urllib.error
import urllib.request
from pathlib import Path

from .place import SetUpError

SAFETENSORS = (
    "model.safetensors",
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "modules.json",
    "1_Pooling/config.json",
)
SECONDS = 300.0
# More threads wait for each other by spinning: on busy cores two are slower than one.
PARAMETERS = {"num_thread": 1}

Files = dict[str, Path]


def safetensors_files(folder: Path) -> Files:
    """Return the files of a sentence-transformers model, by relative path, which must be kept."""
    return {name: folder / name for name in SAFETENSORS}


def gguf_files(folder: Path) -> Files:
    return {path.name: path for path in folder.glob("*.gguf")}


def create_from(url: str, model: str, files: Files) -> None:
    """Create a model; raises SetUpError with the server's words."""
    digests = {name: _uploaded(url, path) for name, path in files.items()}
    wanted = {"model": model, "files": digests, "parameters": PARAMETERS}
    body = json.dumps(wanted).encode()
    lines = _ask(url, "POST", "/api/create", body).splitlines()
    last = json.loads(lines[-1]) if lines else {}
    if last.get("status") != "success":
        raise SetUpError(
            f"The real Ollama could not create {model}: {last.get('error', 'no reply')}. "
            "Remove the cache folder and run it again."
        )


def _uploaded(url: str, path: Path) -> str:
    """Upload one file unless it is there (posting it again breaks the pipe); return its digest."""
    content = path.read_bytes()
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    try:
        _ask(url, "HEAD", f"/api/blobs/{digest}", None)
    except urllib.error.HTTPError:
        _ask(url, "POST", f"/api/blobs/{digest}", content)
    return digest


def _ask(url: str, method: str, path: str, body: bytes | None) -> str:
    request = urllib.request.Request(url + path, data=body, method=method)
    # No proxies: it is on loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=SECONDS) as reply:
        text: str = reply.read().decode()
    return text
