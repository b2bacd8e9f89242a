"""What the state file holds: every table, in plain SQL types, so that another database can follow.

Times are seconds since 1970. Texts of people are in tasks (until a task is done), conversations and
votes, and nowhere else.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text

SCHEMA_VERSION = 1  # raise it with every change below

metadata = MetaData()

tasks = Table(
    "tasks",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),  # in order of arrival
    Column("key", String(255), nullable=False, unique=True),
    Column("twin", String(255), unique=True),  # NULL where there is none
    Column("kind", String(32), nullable=False),
    Column("user", String(64), nullable=False),
    Column("channel", String(64), nullable=False),
    Column("received_at", Float, nullable=False),
    Column("state", String(16), nullable=False),  # bot.inbox.State
    Column("tries", Integer, nullable=False),
    Column("owner", String(32)),  # owners.id while claimed
    Column("body", Text),  # JSON; this and the next two are NULL when done
    Column("reply", Text),  # JSON of a Message
    Column("notes", Text),  # JSON
    Column("done_at", Float),
    Index("tasks_by_state", "state", "received_at"),
)

owners = Table(
    "owners",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("record", Text, nullable=False),  # JSON of a BuildRecord
    Column("beats", Integer, nullable=False),  # counts the renewals of its lease
)

conversations = Table(
    "conversations",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("answer_id", String(64), nullable=False, unique=True),
    Column("team", String(64), nullable=False),
    Column("channel", String(64), nullable=False),
    Column("thread", String(64), nullable=False),
    Column("user", String(64), nullable=False),
    Column("surface", String(32), nullable=False),
    Column("question", Text, nullable=False),
    Column("standalone", Text, nullable=False),
    Column("reply", Text, nullable=False),
    Column("outcome", String(64), nullable=False),
    Column("links", Text, nullable=False),  # JSON
    Column("generation", String(64), nullable=False),
    Column("asked_at", Float, nullable=False),
    Column("posted_channel", String(64), nullable=False),
    Column("posted_ts", String(64), nullable=False),
    Column("answerer", String(255), nullable=False),
    Index("conversations_by_thread", "channel", "thread"),
    Index("conversations_by_post", "posted_ts"),
    Index("conversations_by_user", "user", "asked_at"),
    Index("conversations_by_age", "asked_at"),
)

votes = Table(
    "votes",
    metadata,
    Column("answer_id", String(64), primary_key=True),
    Column("user_hash", String(64), primary_key=True),
    Column("vote", String(8), nullable=False),  # "up" or "down"
    Column("reason", String(64), nullable=False),
    Column("comment", Text, nullable=False),
    Column("voted_at", Float, nullable=False),
)

escalations = Table(
    "escalations",
    metadata,
    Column("answer_id", String(64), primary_key=True),
    Column("user", String(64), nullable=False),
    Column("channel", String(64), nullable=False),
    Column("ts", String(64), nullable=False),
    Column("resolved_by", String(64), nullable=False),
    Column("opened_at", Float, nullable=False),
)

channel_rules = Table(
    "channel_rules",
    metadata,
    Column("channel", String(64), primary_key=True),
    Column("mode", String(16), nullable=False),
    Column("is_private", Boolean, nullable=False),
    Column("folders", Text, nullable=False),  # JSON
    Column("allows_external", Boolean, nullable=False),
    Column("changed_by", String(64), nullable=False),
    Column("changed_at", Float, nullable=False),
)
