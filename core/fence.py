"""The fence around a run: what its process can neither signal, read nor change, whatever its job does."""

import ctypes
import os
import struct
from collections.abc import Iterable
from functools import cache
from pathlib import Path

SECRETS = {"REDIS_URL", "REDIS_PASSWORD", "CORE_API_KEY", "FILES_KEY", "FLOWER_BASIC_AUTH"}
PR_SET_NO_NEW_PRIVS = 38
CAPABILITY_VERSION_3, NO_CAPABILITIES = 0x20080522, bytes(24)
# Landlock, from linux/landlock.h. Glibc has no functions for it; the numbers are the same on every architecture.
CREATE_RULESET, RESTRICT_SELF = 444, 446
ASK_VERSION = 1
FIRST_WITH_SCOPES = 6  # Linux 6.12
SCOPE_SIGNAL = 2


@cache
def is_available() -> bool:
    """Whether this kernel can keep a run from signalling processes that are not its own."""
    version: int = _libc().syscall(CREATE_RULESET, None, 0, ASK_VERSION)
    return version >= FIRST_WITH_SCOPES


def raise_fence() -> None:
    """Fence this process and all that it will start; there is no way back.

    Beyond the fence nothing can be signalled, and no memory or environment be read. A root process becomes an ordinary
    one: files that are read-only for their owner stay so.
    """
    libc = _libc()
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.capset(struct.pack("Ii", CAPABILITY_VERSION_3, 0), NO_CAPABILITIES)
    if is_available():
        rules = libc.syscall(CREATE_RULESET, struct.pack("QQQ", 0, 0, SCOPE_SIGNAL), 24, 0)
        libc.syscall(RESTRICT_SELF, rules, 0)
        os.close(rules)


def hide_secrets() -> None:
    """Remove secrets from the environment of this process, also from the copy in /proc that its start has left."""
    names = [name for name in SECRETS if os.environ.pop(name, None) is not None]
    start, end = (int(number) for number in Path("/proc/self/stat").read_text().rpartition(")")[2].split()[47:49])
    block = ctypes.string_at(start, end - start)
    for name in names:
        at = (b"\0" + block).find(b"\0" + name.encode() + b"=")
        if at >= 0:
            ctypes.memset(start + at, 0, block.index(b"\0", at) - at)


def leave_files(*keep: int) -> None:
    """Put /dev/null in the place of every inherited file but these, so that no job writes into a connection.

    A closed file's number would be given to the job's own next file, which a forgotten object could then close.
    """
    replace([int(name) for name in os.listdir("/proc/self/fd") if int(name) not in keep])  # noqa: PTH208  # names are enough


def replace(files: Iterable[int]) -> None:
    """Put /dev/null in the place of these open files."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in files:
        if number != nothing:
            os.dup2(nothing, number, inheritable=number == 0)
    os.close(nothing)


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)
