"""Disks that lose power: file systems on loop devices, cut off by the SHUTDOWN ioctl.

After the ioctl the file system writes nothing more, its journal included, and answers every call
with EIO; what reached the image is what a machine would find after a power cut. The next mount
replays the journal. Needs root, loop devices and the file system's own tools.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

IMAGE_BYTES = 320 * 2**20  # sparse; mkfs.xfs makes none below 300 MB
# Another mount namespace may keep a copy's twin mounted, and xfs wants each UUID once.
OPTIONS = {"ext4": "defaults", "xfs": "nouuid"}
MAKERS = {"ext4": ("mkfs.ext4", "-q", "-F"), "xfs": ("mkfs.xfs", "-q", "-f")}
SHUTDOWN = (2 << 30) | (4 << 16) | (ord("X") << 8) | 125  # _IOR('X', 125, __u32), both systems
WITHOUT_FLUSHING_THE_LOG = 2


@dataclass(frozen=True, slots=True)
class Disk:
    """An image with a file system, and the empty folder that it is mounted on."""

    kind: str  # "ext4", "xfs"
    image: Path
    folder: Path

    @contextmanager
    def mounted(self) -> Iterator[Path]:
        """Mount on a loop device of its own; both are let go whatever happens."""
        device = _run("losetup", "--find", "--show", str(self.image)).strip()
        try:
            _run("mount", "-t", self.kind, "-o", OPTIONS[self.kind], device, str(self.folder))
            try:
                yield self.folder
            finally:
                _umount(self.folder)
        finally:
            _run("losetup", "--detach", device)

    def sync(self) -> None:
        """Put everything written so far on the mounted disk, journal included."""
        _run("sync", "--file-system", str(self.folder))

    def copy(self, name: str) -> Disk:
        """Copy the unmounted image beside itself, as sparse as it is."""
        image = self.image.with_name(f"{name}.img")
        _run("cp", "--sparse=always", str(self.image), str(image))
        return Disk(self.kind, image, self.folder)

    def discard(self) -> None:
        """Delete the image."""
        self.image.unlink()


def make_disk(kind: str, folder: Path) -> Disk:
    """Make a file system below a folder and mount it once; skips where that cannot be done."""
    maker, *options = MAKERS[kind]
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("mounting needs root")
    for tool in (maker, "losetup", "mount", "umount"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    image, point = folder / f"{kind}.img", folder / kind
    point.mkdir()
    with image.open("wb") as file:
        file.truncate(IMAGE_BYTES)
    _run(maker, *options, str(image))
    disk = Disk(kind, image, point)
    try:
        with disk.mounted():
            pass
    except subprocess.CalledProcessError as error:
        pytest.skip(f"{kind} cannot be mounted here: {error.stderr.strip()}")
    return disk


def cut_power(folder: Path) -> None:
    """Stop the file system that holds a folder, as a power cut would; raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.ioctl(descriptor, SHUTDOWN, struct.pack("I", WITHOUT_FLUSHING_THE_LOG))
    finally:
        os.close(descriptor)


def _umount(folder: Path) -> None:
    """Unmount; lazily when something still holds a file, which is a failure all the same."""
    try:
        _run("umount", str(folder))
    except subprocess.CalledProcessError:
        _run("umount", "--lazy", str(folder))
        raise


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
