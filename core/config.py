"""Every knob of core with its unit, default and variable name."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from .settings import question_deadline_setting, read_settings, setting

STATE_DIR = Path(".clockify-bot")
OF_THE_MODEL = ("OLLAMA_URL", "OLLAMA_API_KEY", "GEN_MODEL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What the entry points pass to assembly; nothing below assembly sees it."""

    knowledge: Path = setting(
        "KNOWLEDGE", "File or folder of Markdown articles.", Path("knowledge")
    )
    index: Path | None = setting(
        "INDEX",
        "Folder of the index; empty: one folder per knowledge source under .clockify-bot/index.",
        None,
        parse=lambda raw: Path(raw).expanduser(),
    )
    embedder: str = setting(
        "EMBEDDER",
        "What turns text into vectors: embedded (in process) or ollama.",
        "embedded",
        choices=("embedded", "ollama"),
    )
    answerer: str = setting(
        "ANSWERER",
        "What writes answers: auto (Ollama when it is ready, else extractive), ollama, extractive.",
        "auto",
        choices=("auto", "ollama", "extractive"),
    )
    ollama_url: str = setting("OLLAMA_URL", "Where Ollama listens.", "http://127.0.0.1:11434")
    ollama_api_key: str = setting(
        "OLLAMA_API_KEY",
        "Sent to OLLAMA_URL as a bearer token, and to no other host; empty: none.",
        secret=True,
    )
    gen_model: str = setting("GEN_MODEL", "Ollama model that writes answers.", "qwen2.5:32b")
    emb_model: str = setting(
        "EMB_MODEL", "Ollama model that embeds, when EMBEDDER=ollama.", "nomic-embed-text"
    )
    emb_connect_timeout: float = setting(
        "EMB_CONNECT_TIMEOUT", "Seconds to connect for an embedding.", 3.0, low=0.1, high=600
    )
    emb_read_timeout: float = setting(
        "EMB_READ_TIMEOUT", "Seconds to wait for an embedding.", 120.0, low=0.1, high=3600
    )
    chat_connect_timeout: float = setting(
        "CHAT_CONNECT_TIMEOUT", "Seconds to connect for an answer.", 3.0, low=0.1, high=600
    )
    chat_read_timeout: float = setting(
        "CHAT_READ_TIMEOUT",
        "Seconds to wait for the next piece of an answer.",
        180.0,
        low=0.1,
        high=3600,
    )
    retries: int = setting(
        "RETRIES", "Further tries after a transient error of Ollama.", 2, low=0, high=10
    )
    question_deadline: float = question_deadline_setting()
    rerank: bool = setting(
        "RERANK", "Whether the language model sorts what was found before it answers.", False
    )
    follow_ups: str = setting(
        "FOLLOW_UPS",
        "What reads a follow-up together with its question: model (rules when there is none) or "
        "rules.",
        "model",
        choices=("model", "rules"),
    )
    top_k: int = setting("TOPK", "Chunks kept after fusion.", 12, low=1, high=200)
    pack: int = setting("PACK", "Chunks packed into the context at most.", 6, low=1, high=50)
    threshold: float = setting(
        "THRESHOLD",
        "Evidence, from 0 (answer everything) to 1, below which the bot refuses.",
        0.4,
        low=0,
        high=1,
    )
    ctx_budget: int = setting(
        "CTX_BUDGET", "Tokens of the context, by estimate.", 2800, low=100, high=100_000
    )
    chars_per_token: float = setting(
        "CHARS_PER_TOKEN",
        "Characters per token of GEN_MODEL, for estimates; `clockify-bot doctor` suggests one.",
        4.0,
        low=0.5,
        high=8,
    )
    mmr_lambda: float = setting(
        "MMR_LAMBDA", "1: only relevance; lower: more diverse chunks.", 0.8, low=0, high=1
    )
    seed: int = setting("SEED", "Seed of the generator.", 42, low=0, high=2**31 - 1)
    num_ctx: int = setting(
        "NUM_CTX", "Context window asked of Ollama, tokens.", 8192, low=512, high=1_000_000
    )
    num_predict: int = setting(
        "NUM_PREDICT", "Longest answer of Ollama, tokens.", 512, low=16, high=8192
    )
    max_question_chars: int = setting(
        "MAX_QUESTION_CHARS", "Longer questions get a notice.", 2000, low=100, high=20_000
    )
    max_file_mb: int = setting(
        "MAX_FILE_MB", "Larger knowledge files are skipped, MiB.", 64, low=1, high=4096
    )
    max_article_kb: int = setting(
        "MAX_ARTICLE_KB", "Larger articles are skipped, KiB.", 512, low=1, high=65_536
    )
    build_lock_timeout: float = setting(
        "BUILD_LOCK_TIMEOUT", "Seconds to wait for another build.", 10.0, low=0, high=3600
    )
    build_nice: int = setting(
        "BUILD_NICE",
        "How far a build that Slack asks for steps back for questions: 0 not, 19 most.",
        10,
        low=0,
        high=19,
    )
    quality_questions: Path | None = setting(
        "QUALITY_QUESTIONS",
        "JSON lines of questions that a rebuild must still find; empty: questions.jsonl beside "
        "the articles, if there is one.",
        None,
        parse=lambda raw: Path(raw).expanduser(),
    )
    quality_floor: float = setting(
        "QUALITY_FLOOR",
        "Share of those questions, from 0 to 1, that must be found for a rebuild to be published.",
        0.0,
        low=0,
        high=1,
    )
    cache_max_mb: int = setting(
        "CACHE_MAX_MB", "Kept embeddings beyond this are dropped, MiB.", 512, low=1, high=1_000_000
    )

    names_model: bool = field(default=False, compare=False)  # an OF_THE_MODEL was set

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Config:
        """Read all settings; raises SettingsError naming the first bad one."""
        is_named = any(environ.get(name, "").strip() for name in OF_THE_MODEL)
        return replace(read_settings(cls, environ), names_model=is_named)

    @property
    def index_dir(self) -> Path:
        """The folder of the index: the set one, or one per knowledge source."""
        return self.index if self.index is not None else default_index_dir(self.knowledge)


def default_index_dir(knowledge: Path) -> Path:
    """Give each knowledge source a folder of its own, readable and unique.

    >>> default_index_dir(Path("/srv/kb/help center.md")).name[:12]
    'help-center-'
    """
    resolved = knowledge.expanduser().resolve()
    slug = re.sub(r"[^a-z0-9]+", "-", resolved.stem.lower()).strip("-") or "knowledge"
    digest = hashlib.sha256(str(resolved).encode()).hexdigest()[:8]
    return STATE_DIR / "index" / f"{slug[:40]}-{digest}"
