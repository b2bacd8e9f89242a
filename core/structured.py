"""Ask the model for JSON beside the answer: to sort hits, to rewrite a follow-up.

Takes what to do and texts of others as data; gives the value that the model wrote, or why there is
none. Never raises ModelUnavailable: what is asked here has a way to go on without a model.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from .errors import ModelMissing, ModelPaused, ModelTimeout, ModelUnavailable
from .ollama import OllamaClient
from .ollama_reply import PromptTooLong, Unreachable, WroteNothing
from .ollama_stream import BadReply

logger = logging.getLogger(__name__)

SEPARATOR = "\n\n"
CHARS_PER_TOKEN = 3.0  # on the safe side: a prompt that is too long is cut without a word
OPENING = re.compile(r"[\[{]")
MOST_OPENINGS = 50  # tried in what a model wrote around its JSON

Message = Mapping[str, str]
Options = Mapping[str, float | int]
Schema = Mapping[str, object]


class Failure(StrEnum):
    """Why the model gave nothing that can be used; the words are for operators."""

    EMPTY = "empty"
    BAD_JSON = "bad JSON"
    TIMEOUT = "timeout"
    HTTP = "http"
    CONNECTION = "connection"
    PAUSED = "paused"
    MISSING = "model missing"
    BROKEN = "stream broken"
    NO_ROOM = "no room in NUM_CTX"


@dataclass(frozen=True, slots=True)
class Written:
    """What the model wrote as JSON, or why there is nothing ("" for a value)."""

    value: object = None
    failure: str = ""


async def ask_json(
    client: OllamaClient,
    model: str,
    messages: Sequence[Message],
    *,
    options: Options,
    answer_tokens: int,
    schema: Schema,
    seconds: float | None,
) -> Written:
    """Return what the model wrote; nobody is asked when prompt and reply would not fit.

    The options are the answerer's, so that the model is not loaded again; only num_predict differs.
    """
    if room_characters(window_tokens(client, model, options), answer_tokens, messages) < 0:
        return Written(failure=Failure.NO_ROOM)
    try:
        result = await client.chat(
            model,
            messages,
            options={**options, "num_predict": answer_tokens},
            seconds=seconds,
            format=schema,
            is_aside=True,
        )
        return Written(read_json(result.text))
    except ModelUnavailable as error:
        logger.debug("no JSON of %s: %s", model, error)
        return Written(failure=_failure(error))
    except ValueError:
        return Written(failure=Failure.BAD_JSON)


def window_tokens(client: OllamaClient, model: str, options: Options) -> int:
    """Give what a prompt and its reply may take: num_ctx, or less where the model reads less."""
    known = client.known(model)
    length = None if known is None else known.context_length
    num_ctx = int(options.get("num_ctx", 0))
    return min(num_ctx, length or num_ctx)


def room_characters(window: int, answer_tokens: int, messages: Sequence[Message]) -> int:
    """Estimate how many more characters fit into so many tokens beside messages and reply."""
    free = int((window - answer_tokens) * CHARS_PER_TOKEN)
    return free - sum(len(message["content"]) for message in messages)


def read_json(text: str) -> object:
    """Return the largest JSON array or object in a text; raises ValueError when there is none.

    Not every server holds a model to the schema: there may be a fence or a sentence around it.

    >>> read_json('Here [sorted]: [{"id": 2}] Done.')
    [{'id': 2}]
    """
    found = list(_values(text))
    if not found:
        raise ValueError("no JSON array or object")
    return max(found, key=lambda sized: sized[0])[1]


def _values(text: str) -> Iterator[tuple[int, object]]:
    """Give each array or object with its length; what is inside another one is not given."""
    decoder = json.JSONDecoder()
    at = 0
    for _ in range(MOST_OPENINGS):
        opening = OPENING.search(text, at)
        if opening is None:
            return
        try:
            value, end = decoder.raw_decode(text, opening.start())
        except (ValueError, RecursionError):
            at = opening.end()
        else:
            yield end - opening.start(), value
            at = end


def _failure(error: ModelUnavailable) -> Failure:
    match error:
        case ModelPaused():
            return Failure.PAUSED
        case ModelTimeout():
            return Failure.TIMEOUT
        case ModelMissing():
            return Failure.MISSING
        case WroteNothing():
            return Failure.EMPTY
        case PromptTooLong():
            return Failure.NO_ROOM
        case Unreachable():
            return Failure.CONNECTION
    is_broken = isinstance(error.__cause__, BadReply)
    return Failure.BROKEN if is_broken else Failure.HTTP
