"""Streams: growing, ending, expiring, being stopped by the reader."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator.server import Simulator

from .conftest import Time

READER: dict[str, Any] = {"recipient_user_id": "U0ANN", "recipient_team_id": "T0SIM"}


async def error_of(client: AsyncWebClient, method: str, **arguments: Any) -> str:
    """Call a method that must fail and give the error code."""
    with pytest.raises(SlackApiError) as caught:
        await client.api_call(method, json=arguments)
    return str(caught.value.response["error"])


async def start(sim: Simulator, client: AsyncWebClient) -> dict[str, Any]:
    """Open a stream below a question; give channel and ts."""
    root = await sim.post("U0ANN", "C0GEN", "@clockify-bot how?")
    stream = await client.chat_startStream(channel="C0GEN", thread_ts=root, **READER)
    return {"channel": "C0GEN", "ts": stream["ts"]}


async def test_the_helper_of_the_sdk_streams_an_answer(
    sim: Simulator, client: AsyncWebClient
) -> None:
    root = await sim.post("U0ANN", "C0GEN", "@clockify-bot how?")
    stream = await client.chat_stream(channel="C0GEN", thread_ts=root, buffer_size=1, **READER)
    await stream.append(markdown_text="Press **")
    await stream.append(markdown_text="Start**.")
    growing = sim.messages("C0GEN", root)[1]
    assert (growing["text"], growing["streaming"]) == ("Press **Start**.", True)
    source = {"type": "context", "elements": [{"type": "mrkdwn", "text": "<https://x|Timer>"}]}
    await stream.stop(blocks=[source])

    done = sim.messages("C0GEN", root)[1]
    assert [block["type"] for block in done["blocks"]] == ["markdown", "context"]
    assert (done["text"], "streaming" in done) == ("Press **Start**.", False)


async def test_tasks_are_shown_as_cards(sim: Simulator, client: AsyncWebClient) -> None:
    place = await start(sim, client)
    for status in ("in_progress", "complete"):
        task = {"type": "task_update", "id": "1", "title": "Searching", "status": status}
        await client.chat_appendStream(**place, chunks=[task])
    await client.chat_appendStream(**place, markdown_text="Found.")
    (_, message) = sim.messages("C0GEN", sim.messages("C0GEN")[0]["ts"])
    assert [block["type"] for block in message["blocks"]] == ["task_card", "markdown"]
    assert message["blocks"][0]["status"] == "complete"
    long = {"type": "task_update", "id": "2", "title": "x" * 257, "status": "pending"}
    assert await error_of(client, "chat.appendStream", **place, chunks=[long]) == "invalid_chunks"


async def test_a_stream_names_its_thread_and_its_reader(
    sim: Simulator, client: AsyncWebClient
) -> None:
    root = await sim.post("U0ANN", "C0GEN", "how?")
    here = {"channel": "C0GEN"}
    team, user = ({name: value} for name, value in reversed(READER.items()))
    begin = "chat.startStream"
    assert await error_of(client, begin, **here, **READER) == "invalid_thread_ts"
    assert await error_of(client, begin, **here, **READER, thread_ts="1.1") == "invalid_thread_ts"
    assert (
        await error_of(client, begin, **here, **team, thread_ts=root) == "missing_recipient_user_id"
    )
    assert (
        await error_of(client, begin, **here, **user, thread_ts=root) == "missing_recipient_team_id"
    )
    direct = await sim.post("U0ANN", "D0ANN", "how?")
    await client.chat_startStream(channel="D0ANN", thread_ts=direct)


async def test_a_stream_ends_after_five_minutes_whatever_was_appended(
    sim: Simulator, client: AsyncWebClient, clock: Time
) -> None:
    place = await start(sim, client)
    clock.seconds += 299
    await client.chat_appendStream(**place, markdown_text="a")
    assert await error_of(client, "chat.update", **place, text="b") == "streaming_state_conflict"
    clock.seconds += 1
    ended = "message_not_in_streaming_state"
    assert await error_of(client, "chat.appendStream", **place, markdown_text="b") == ended
    assert await error_of(client, "chat.stopStream", **place) == ended
    await client.chat_update(**place, text="b")


async def test_a_stopped_stream_takes_no_more(sim: Simulator, client: AsyncWebClient) -> None:
    place = await start(sim, client)
    much = "x" * 12_001
    append = "chat.appendStream"
    assert await error_of(client, append, **place, markdown_text=much) == "msg_too_long"
    assert await error_of(client, append, **place) == "no_text"
    await client.chat_stopStream(**place, markdown_text="Done.")
    ended = "message_not_in_streaming_state"
    assert await error_of(client, append, **place, markdown_text="b") == ended
    await client.chat_update(**place, text="edited")


async def test_the_reader_stops_a_stream(sim: Simulator, client: AsyncWebClient) -> None:
    place = await start(sim, client)
    sim.people.stop("U0ANN", "C0GEN", sim.messages("C0GEN")[0]["ts"])
    assert (
        await error_of(client, "chat.appendStream", **place, markdown_text="b") == "stopped_by_user"
    )
