"""Which folders lie on a network file system, where a lock may not reach other machines.

Takes a folder; gives the type of its file system and the sentence to show. Reads the kernel's list
of mounts only: no mount but the folder's own is touched, so a dead one elsewhere cannot hang this.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

NFS = frozenset({"nfs", "nfs4"})
WINDOWS_SHARES = frozenset({"cifs", "smb2", "smb3", "smbfs", "ncpfs"})
CLUSTERS = frozenset(
    {"afs", "beegfs", "ceph", "coda", "gfs2", "glusterfs", "gpfs", "lustre", "ocfs2", "orangefs"}
    | {"pvfs2", "fuse.ceph", "fuse.ceph-fuse", "fuse.glusterfs", "fuse.juicefs", "fuse.moosefs"}
)
SHARED_WITH_GUESTS = frozenset(
    {"9p", "virtiofs", "vboxsf", "vmhgfs", "fuse.vmhgfs-fuse", "prl_fs", "drvfs"}
    | {"fuse.grpcfuse", "fuse.osxfs", "fakeowner"}
)
REMOTE_FOLDERS = frozenset(
    {"afpfs", "davfs", "webdav", "fuse.davfs", "fuse.davfs2", "fuse.sshfs", "fuse.curlftpfs"}
    | {"fuse.rclone", "fuse.s3fs", "fuse.gcsfuse", "fuse.goofys", "fuse.geesefs"}
    | {"fuse.blobfuse", "fuse.blobfuse2", "fuse.mount-s3", "fuse.smbnetfs", "fuse.gvfsd-fuse"}
)
NETWORK = NFS | WINDOWS_SHARES | CLUSTERS | SHARED_WITH_GUESTS | REMOTE_FOLDERS
LOCAL_LOCK_OPTIONS = frozenset({"nolock", "local_lock=all", "local_lock=flock"})  # nfs(5)
SHARE = "a network share"  # a Windows path that names its server
ADVICE = "Set INDEX to a folder on a local disk, or let only one machine build."


@dataclass(frozen=True, slots=True)
class Mount:
    """One mounted file system, as the kernel lists it."""

    point: str
    kind: str
    options: str = ""  # separated by commas


def mounts_here() -> tuple[Mount, ...]:
    """List what is mounted, in the order of mounting; empty where the system does not tell."""
    try:
        found = psutil.disk_partitions(all=True)
    except (OSError, psutil.Error, UnicodeError):
        return ()
    return tuple(Mount(each.mountpoint, each.fstype, each.opts) for each in found)


def network_filesystem(folder: Path, mounts: Iterable[Mount] | None = None) -> str | None:
    """Name the network file system that a folder lies on, or None for a local or an unknown one.

    The folder need not exist.
    """
    mount = _mount_of(folder, mounts_here() if mounts is None else mounts)
    return mount.kind if mount is not None and _is_remote(mount) else None


def lock_warning(folder: Path, mounts: Iterable[Mount] | None = None) -> str | None:
    """Give the sentence to show when the build lock may not hold between machines."""
    mount = _mount_of(folder, mounts_here() if mounts is None else mounts)
    if mount is None or not _is_remote(mount):
        return None
    local = LOCAL_LOCK_OPTIONS & set(mount.options.split(","))
    if mount.kind not in NFS:
        reach = "not known to keep builds of several machines apart"
    elif local:
        reach = f"mounted with {min(local)}, so that it keeps apart builds of this machine only"
    else:
        reach = "of use between machines only where the server locks (NFSv4, or lockd)"
    return f"INDEX is {folder}, on {mount.kind}: the build lock there is {reach}. {ADVICE}"


def _mount_of(folder: Path, mounts: Iterable[Mount]) -> Mount | None:
    """Find the mount that holds a folder: the longest name, and of equal ones the newest."""
    try:
        place = folder.resolve()
    except (OSError, RuntimeError):  # RuntimeError: links that lead in a circle
        return None
    if place.drive.startswith("\\\\"):
        return Mount(place.anchor, SHARE)
    holding = [mount for mount in mounts if mount.point and place.is_relative_to(mount.point)]
    return max(reversed(holding), key=lambda mount: len(Path(mount.point).parts), default=None)


def _is_remote(mount: Mount) -> bool:
    return mount.kind in NETWORK | {SHARE} or "remote" in mount.options.split(",")  # Windows
