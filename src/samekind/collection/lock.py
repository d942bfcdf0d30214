"""One writer at a time: a lock that the kernel lets go of when its process ends, however it ends."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from samekind.errors import CollectionBusy, StorageError

LOCK = ".lock"


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Holds the collection's writer lock; readers never ask for it.

    Raises CollectionBusy where another process (or another job of this one) holds it, StorageError where the folder
    cannot be written.
    """
    try:
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as problem:
        raise StorageError(f"{folder} cannot be written ({problem.strerror}); check its permissions.") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as problem:
        os.close(handle)
        if problem.errno not in (errno.EWOULDBLOCK, errno.EACCES):
            raise StorageError(f"{folder} cannot be locked ({problem.strerror}); keep it on a local disk.") from None
        raise CollectionBusy(f"Another process is writing to {folder}; wait until it is done and try again.") from None
    try:
        yield
    finally:
        os.close(handle)
