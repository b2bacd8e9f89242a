"""Streams: growing, ending, expiring, being stopped by the reader."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator.server import Simulator

from .conftest import QUICK, Time

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


@pytest.mark.parametrize(
    "chunk",
    [
        {"type": "poem", "text": "a"},
        {"type": "markdown_text"},
        {"type": "markdown_text", "text": "a", "extra": 1},
        {"type": "task_update", "id": "1", "status": "pending"},
        {"type": "task_update", "id": "1", "title": "a", "status": "done"},
        {"type": "task_update", "title": "a", "status": "pending"},
        {"type": "plan_update"},
        {"type": "blocks"},
        "text",
    ],
)
async def test_a_chunk_that_is_none_is_refused(
    sim: Simulator, client: AsyncWebClient, chunk: Any
) -> None:
    place = await start(sim, client)
    refused = await error_of(client, "chat.appendStream", **place, chunks=[chunk])
    assert refused == "invalid_chunks"


async def test_the_last_blocks_and_metadata_are_checked(
    sim: Simulator, client: AsyncWebClient
) -> None:
    place = await start(sim, client)
    stop, file = "chat.stopStream", {"type": "file", "external_id": "1", "source": "remote"}
    assert await error_of(client, stop, **place, blocks=[{"type": "poem"}]) == "invalid_blocks"
    metadata: dict[str, Any] = {"event_type": "answer"}
    assert await error_of(client, stop, **place, metadata=metadata) == "invalid_metadata_schema"
    many = [{"type": "divider"}] * 50
    chunks = [{"type": "blocks", "blocks": [{"type": "divider"}]}]
    await client.chat_appendStream(**place, chunks=chunks)
    assert await error_of(client, stop, **place, blocks=many) == "invalid_blocks"
    chunks = [{"type": "blocks", "blocks": [file]}]
    assert await error_of(client, "chat.appendStream", **place, chunks=chunks) == "internal_error"
    metadata |= {"event_payload": {}}
    await client.chat_stopStream(**place, blocks=many[1:], metadata=metadata)
    message = sim.messages("C0GEN", sim.messages("C0GEN")[0]["ts"])[1]
    assert (len(message["blocks"]), message["metadata"]) == (50, metadata)


async def test_only_ones_own_message_streams(sim: Simulator, client: AsyncWebClient) -> None:
    theirs = {"channel": "C0GEN", "ts": await sim.post("U0ANN", "C0GEN", "how?")}
    append = "chat.appendStream"
    refused = await error_of(client, append, **theirs, markdown_text="a")
    assert refused == "message_not_owned_by_app"
    root: dict[str, Any] = {
        "channel": "D0ANN",
        "thread_ts": await sim.post("U0ANN", "D0ANN", "how?"),
    }
    wrong = await error_of(client, "chat.startStream", **root, task_display_mode="pie")
    assert wrong == "invalid_arguments"
    await client.chat_startStream(**root, task_display_mode="plan")


async def test_blanks_at_a_seam_can_vanish(sim: Simulator, client: AsyncWebClient) -> None:
    place = await start(sim, client)
    await client.chat_appendStream(**place, markdown_text="a")
    await sim.fault("eaten_blanks", times=1)
    await client.chat_appendStream(**place, markdown_text=" b")
    await client.chat_appendStream(**place, markdown_text=" c")
    assert sim.messages("C0GEN", sim.messages("C0GEN")[0]["ts"])[1]["text"] == "ab c"


async def test_a_shorter_life_can_be_set(manifest: Path, clock: Time) -> None:
    pace = replace(QUICK, stream_seconds=5.0, ticket_seconds=2.0, trigger_seconds=1.0)
    async with await Simulator.start(manifest, clock=clock, pace=pace) as sim:
        client = AsyncWebClient(token=sim.bot_token, base_url=sim.api_url)
        place = await start(sim, client)
        trigger_id = sim.site.views.issue_trigger("U0ANN")
        clock.seconds += 2
        title = {"type": "plain_text", "text": "Why?"}
        view = {"type": "modal", "title": title, "blocks": []}
        expired = await error_of(client, "views.open", trigger_id=trigger_id, view=view)
        assert expired == "expired_trigger_id"
        await client.chat_appendStream(**place, markdown_text="a")
        clock.seconds += 3
        ended = await error_of(client, "chat.appendStream", **place, markdown_text="a")
        assert ended == "message_not_in_streaming_state"
