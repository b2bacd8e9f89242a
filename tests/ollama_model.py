"""What the scripted Ollama computes: a hashing embedder, and an answer that quotes."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from typing import Any

from core.types import REFUSAL_TEXT

STOP_WORDS = re.compile(
    r"(?:an?|and|are|as|at|be|by|can|do|for|from|how|i|if|in|is|it|my|of|on|or|that|the|this|to|"
    r"what|when|where|which|who|why|with|you|your)"
)
PREFIX = re.compile(r"^(?:search_document|search_query|passage|query): ")


def embedding(text: str, dimension: int) -> list[float]:
    """Hash the words of a text into a unit vector; equal words, equal direction.

    The first number is the same for every text, so that a text without words has a vector too.
    """
    words = re.findall(r"\w+", PREFIX.sub("", text).casefold())
    counts = Counter(word.rstrip("s") for word in words if not STOP_WORDS.fullmatch(word))
    vector = [0.1] + [0.0] * (dimension - 1)
    for word, count in counts.items():
        digest = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "big")
        sign = 1 if digest & 1 else -1
        vector[1 + (digest >> 1) % (dimension - 1)] += sign * (1 + math.log(count))
    norm = math.hypot(*vector)
    return [value / norm for value in vector]


def quote_first_snippet(messages: list[dict[str, str]]) -> str:
    """Answer with the first sentence of snippet 1, cited; refuse when there is no snippet.

    What leads in to a list is no sentence.
    """
    found = re.search(r"^\[1 \|[^\n]*\]\n(.+?)\n<<end ", messages[-1]["content"], re.M | re.S)
    if found is None:
        return REFUSAL_TEXT
    lines = (line.strip() for line in found.group(1).split("\n"))
    said = next((line for line in lines if line and not line.endswith(":")), "")
    text = re.sub(r"^(?:[-*]|\d{1,3}\.)\s+", "", said)
    sentence = re.split(r"(?<=[.!?])\s", text, maxsplit=1)[0]
    return f"{sentence} [1]"


def instance(schema: dict[str, Any]) -> Any:
    """Return a small value that a JSON schema allows: what a grammar makes of a weak model."""
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type", "object"):
        case "object":
            properties = schema.get("properties", {})
            return {name: instance(inner) for name, inner in properties.items()}
        case "array":
            items = schema.get("items", {"type": "integer"})
            return [instance(items)] * max(1, schema.get("minItems", 1))
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return "text"
