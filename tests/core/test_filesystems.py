"""Network file systems: found among the mounts, and warned about with what is known of them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from core.filesystems import Mount, lock_warning, mounts_here, network_filesystem

ROOT = Mount("/", "ext4", "rw,relatime")


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/srv/index", None),
        ("/mnt/share", "nfs4"),
        ("/mnt/share/index", "nfs4"),
        ("/mnt/share-of-mine/index", None),
        ("/mnt/share/local/index", None),
        ("/mnt/two words/index", "cifs"),
        ("/mnt/again/index", "fuse.sshfs"),
        ("/mnt/covered/index", None),
        ("/mnt/host/index", "9p"),
    ],
)
def test_longest_and_newest_mount_decides(folder: str, kind: str | None) -> None:
    mounts = (
        ROOT,
        Mount("/mnt/share", "nfs4", "rw,vers=4.2"),
        Mount("/mnt/share/local", "xfs", "rw"),
        Mount("/mnt/two words", "cifs", "rw"),
        Mount("/mnt/again", "autofs", "rw"),
        Mount("/mnt/again", "fuse.sshfs", "rw"),
        Mount("/mnt/covered", "nfs", "rw"),
        Mount("/mnt/covered", "tmpfs", "rw"),
        Mount("/mnt/host", "9p", "rw"),
    )
    assert network_filesystem(Path(folder), mounts) == kind
    assert (lock_warning(Path(folder), mounts) is None) is (kind is None)


@pytest.mark.parametrize(
    ("kind", "options", "reach"),
    [
        ("nfs4", "rw,vers=4.2,local_lock=none", "of use between machines only where the server"),
        ("nfs", "rw,vers=3,nolock,local_lock=all", "this machine only"),
        ("nfs", "rw,vers=3,local_lock=flock", "mounted with local_lock=flock, so that it keeps"),
        ("nfs", "rw,vers=3,local_lock=posix", "of use between machines only where the server"),
        ("smb3", "rw", "not known to keep builds of several machines apart"),
        ("fuse.sshfs", "rw", "not known to keep builds of several machines apart"),
    ],
)
def test_warning_says_what_the_lock_is_worth(kind: str, options: str, reach: str) -> None:
    told = lock_warning(Path("/mnt/share/index"), (ROOT, Mount("/mnt/share", kind, options)))
    assert told is not None
    assert told.startswith(f"INDEX is /mnt/share/index, on {kind}: the build lock there is ")
    assert reach in told
    assert told.endswith("Set INDEX to a folder on a local disk, or let only one machine build.")


def test_a_link_to_a_share_is_followed(tmp_path: Path) -> None:
    (tmp_path / "share").mkdir()
    (tmp_path / "index").symlink_to("share")
    mounts = (ROOT, Mount(str(tmp_path / "share"), "nfs4"))
    assert network_filesystem(tmp_path / "index" / "new", mounts) == "nfs4"


def test_links_in_a_circle_are_nobodys(tmp_path: Path) -> None:
    (tmp_path / "index").symlink_to("index")
    assert lock_warning(tmp_path / "index", (Mount("/", "nfs"),)) is None


def test_no_mounts_known_is_no_warning(tmp_path: Path) -> None:
    assert network_filesystem(tmp_path, ()) is None
    assert lock_warning(tmp_path, ()) is None


def test_windows_says_which_drives_are_remote() -> None:
    drives = (Mount("/", "NTFS", "rw,fixed"), Mount("/z", "NTFS", "rw,remote"))
    assert network_filesystem(Path("/z/index"), drives) == "NTFS"
    assert network_filesystem(Path("/c/index"), drives) is None


@pytest.mark.skipif(os.name == "nt", reason="asks for the mount of the root")
def test_this_machine_tells_its_mounts_at_once(tmp_path: Path) -> None:
    started = time.monotonic()
    mounts = mounts_here()
    assert time.monotonic() - started < 0.5
    assert "/" in {mount.point for mount in mounts}
    assert all(mount.kind for mount in mounts)
    assert network_filesystem(Path("/proc/self")) is None
