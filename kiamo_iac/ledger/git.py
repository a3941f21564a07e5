"""The ledger on a ref of its own in a git remote, the lock on another; work tree, index and branches stay untouched.

refs/kiamo-iac/<environment>        a commit with ledger.json; its parent is the one that the run read
refs/kiamo-iac-lock/<environment>   a commit with lock.json, present while the lock is held

Every push is a compare-and-swap (`--force-with-lease=<ref>:<old>`, git 1.8.5; an empty <old>: the ref does not exist).
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Final

from kiamo_iac.core.errors import LedgerError
from kiamo_iac.core.ledger_settings import GitSettings
from kiamo_iac.core.urls import Origin
from kiamo_iac.git.command import is_commit, without_password
from kiamo_iac.ledger.content import Content
from kiamo_iac.ledger.document import RemoteContent, document_text, parse_document
from kiamo_iac.ledger.errors import corruption_error
from kiamo_iac.ledger.git_remotes import LedgerGit, allowed_remote
from kiamo_iac.ledger.lock import LockInfo, acquire
from kiamo_iac.ledger.opening import LedgerContext
from kiamo_iac.ledger.remote import RemoteAccess

LEDGER: Final = "refs/kiamo-iac/"
LOCK: Final = "refs/kiamo-iac-lock/"
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._\-]|^[.\-]|\.(?=\.|$|lock$)")
_TRIES: Final = 3
_PUSHES: Final = 2
"""A push that failed although the ref is as expected: another run may have released its lock in between."""
_NO_LEDGER: Final = (
    "choose another ref, or check who pushed to this one (git ls-remote); its history may hold the ledger"
)
_READ: Final = "--upload-pack=git-upload-pack"
_WRITE: Final = "--receive-pack=git-receive-pack"
"""The programs on the other side, whatever a configuration says of the remote."""
_FETCH: Final = (
    "--quiet",
    _READ,
    "--no-tags",
    "--no-prune",
    "--no-recurse-submodules",
    "--no-write-fetch-head",
    "--refmap=",
)
_PUSH: Final = ("--quiet", _WRITE, "--no-verify", "--no-follow-tags", "--no-signed", "--recurse-submodules=no")


def ref_part(name: str) -> str:
    """`name` as the last part of a ref (git check-ref-format): what is not allowed there is escaped as `%2E`."""
    return _UNSAFE.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), name)


def git_access(settings: GitSettings, context: LedgerContext) -> RemoteAccess:
    """The access to a ledger in a git remote.

    Raises:
        LedgerError: git cannot be used here, or the settings name no remote.
        TransportError: git took too long.
    """
    git = LedgerGit.of(context.root, context.environ, remote=settings.remote)
    remote = GitBackend(settings, git, environment=context.environment, pinned=context.pinned)
    return RemoteAccess(remote, context)


class GitBackend:
    """Two refs of a remote."""

    hides_lock_id = False

    def __init__(
        self, settings: GitSettings, git: LedgerGit, *, environment: str, pinned: Origin | None = None
    ) -> None:
        """`pinned`: the only origin that the remote may lead to.

        Raises:
            LedgerError: the remote is not a name or an address.
        """
        if not settings.remote or settings.remote.startswith("-"):
            msg = f'The ledger of "{environment}" has no valid remote: "{settings.remote}".'
            raise LedgerError(msg, hint="write ledger: {backend: git, remote: origin} in the project file")
        part = ref_part(settings.ref or environment)
        self._ref = LEDGER + part
        self._lock_ref = LOCK + part
        self.shown = f"{self._ref} of {without_password(settings.remote)}"
        self._named = settings.remote
        self._local = git
        self._pinned = pinned
        self._environment = environment
        self._parent: str | None = None
        self._held: str | None = None
        self._pushed: set[str] = set()
        """Commits of this run: one of them may have arrived although its push seemed to fail."""

    def lock(self, info: LockInfo, *, timeout: float) -> None:
        """Create the lock's ref.

        Raises:
            LockedError: another run holds it.
            LedgerError, TransportError: git failed.
        """
        commit = self._commit("lock.json", info.as_json(), message=f"locked by {info}", parent=None)
        acquire(
            lambda: self._attempt(commit),
            timeout=timeout,
            locked_error=lambda other: other.locked_error(self.shown, environment=self._environment),
            release=lambda: self._delete_lock(commit),
        )
        self._held = commit

    def unlock(self) -> None:
        """Delete the lock's ref, if this run still holds it.

        Raises:
            LedgerError, TransportError: git failed.
        """
        if self._held is not None:
            self._delete_lock(self._held)
            self._held = None

    def lock_info(self) -> LockInfo | None:
        """Who holds the lock.

        Raises:
            LedgerError, TransportError: git failed.
        """
        commit = self._tip(self._lock_ref)
        return None if commit is None else self._info_in(commit)

    def break_lock(self, info: LockInfo) -> None:
        """Delete the lock's ref, if it still names `info`.

        Raises:
            LedgerError, TransportError: git failed.
        """
        commit = self._tip(self._lock_ref)
        held = self._info_in(commit) if commit is not None else None
        if commit is not None and held is not None and held.id == info.id:
            self._delete_lock(commit)

    def read(self) -> RemoteContent | None:
        """What the ledger's ref holds.

        Raises:
            LedgerError: it is damaged, or not this environment's; or git failed.
            TransportError: git failed, and may work later.
        """
        for _ in range(_TRIES):
            commit = self._tip(self._ref)
            if commit is None:
                return None
            if self._fetch(self._ref, commit, file="ledger.json"):
                self._parent = commit
                result = self._git.run("cat-file", "blob", f"{commit}:ledger.json")
                if result.code:
                    raise corruption_error(self.shown, "its commit holds no file ledger.json", hint=_NO_LEDGER)
                try:
                    text = result.output.decode()
                except UnicodeDecodeError:
                    raise corruption_error(self.shown, "it is not UTF-8") from None
                return RemoteContent(parse_document(text, self.shown, environment=self._environment), commit)
        msg = f"The ledger {self.shown} changes faster than it can be read."
        raise LedgerError(msg, hint="wait for the other run to end")

    def write(self, content: Content, *, expected: str | None) -> str | None:
        """Push a new commit, with the lease that the ref is still at `expected`.

        Raises:
            LedgerError, TransportError: git failed.
        """
        message = f"{len(content.entries)} resources, serial {content.serial}"
        commit = self._commit("ledger.json", document_text(content), message=message, parent=self._parent)
        self._pushed.add(commit)
        return self._push(self._ref, commit, expected=expected)

    def _attempt(self, commit: str) -> LockInfo | None:
        """Push the lock: None when this run holds it, else who does. If the other lock is released before it is
        read, try again."""
        for _ in range(_TRIES):
            if self._push(self._lock_ref, commit, expected=None) is not None:
                return None
            info = self.lock_info()
            if info is not None:
                return info
        return LockInfo("", "another run that has just ended")

    def _delete_lock(self, commit: str) -> None:
        lease = f"--force-with-lease={self._lock_ref}:{commit}"
        result = self._git.run("push", *_PUSH, lease, "--", self._remote, f":{self._lock_ref}")
        if result.code and self._tip(self._lock_ref) == commit:
            raise self._git.error_of("push", result)

    def _push(self, ref: str, commit: str, *, expected: str | None) -> str | None:
        """`commit`, when `ref` is at it now; None, when it was not at `expected` any more."""
        lease = f"--force-with-lease={ref}:{expected or ''}"
        for _ in range(_PUSHES):
            result = self._git.run("push", *_PUSH, lease, "--", self._remote, f"{commit}:{ref}")
            if result.code == 0:
                return commit
            tip = self._tip(ref)  # git's message for a lost race depends on version and server
            if tip == commit:
                return commit
            if tip != expected:
                return self._push(ref, commit, expected=tip) if tip in self._pushed else None
            if result.transient:
                break
        raise self._git.error_of("push", result)

    @cached_property
    def _allowed(self) -> tuple[LedgerGit, str]:
        """Git, and the remote, once checked: git takes an unknown name for a path, and would run the hooks of a
        repository there.

        Raises:
            UsageError, LedgerError, TransportError: as `allowed_remote`.
        """
        return allowed_remote(self._local, self._named, environment=self._environment, pinned=self._pinned)

    @property
    def _git(self) -> LedgerGit:
        return self._allowed[0]

    @property
    def _remote(self) -> str:
        return self._allowed[1]

    def _tip(self, ref: str) -> str | None:
        listed = self._git.check_output("ls-remote", "--quiet", _READ, "--", self._remote, ref).decode(
            "ascii", "replace"
        )
        for line in listed.splitlines():
            commit, _, name = line.partition("\t")
            if name == ref and is_commit(commit):
                return commit
        return None

    def _fetch(self, ref: str, commit: str, *, file: str) -> bool:
        """Fetch `commit` from `ref`, with its `file` if it has one. False: `ref` is no longer at it.

        Checks for the file, not for the commit: while another run in this clone fetches, git has the commit first.
        """
        if self._has(f"{commit}:{file}"):
            return True
        result = self._git.run("fetch", *_FETCH, "--", self._remote, ref)
        if self._has(f"{commit}:{file}"):
            return True
        if self._tip(ref) != commit:
            return False
        if result.code:
            raise self._git.error_of("fetch", result)
        if not self._has(f"{commit}^{{commit}}"):
            raise corruption_error(self.shown, f"{ref} is no commit", hint=_NO_LEDGER)
        return True

    def _has(self, name: str) -> bool:
        return self._git.run("cat-file", "-e", name).code == 0

    def _info_in(self, commit: str) -> LockInfo | None:
        """Who holds the lock of `commit`; None: it has been released."""
        if not self._fetch(self._lock_ref, commit, file="lock.json"):
            return None
        text = self._git.run("cat-file", "blob", f"{commit}:lock.json").output.decode("utf-8", "replace")
        return LockInfo.from_json(text) or LockInfo(commit[:12], "another run")

    def _commit(self, file: str, text: str, *, message: str, parent: str | None) -> str:
        blob = self._id(self._git.check_output("hash-object", "-w", "--stdin", stdin=text.encode()))
        tree = self._id(self._git.check_output("mktree", stdin=f"100644 blob {blob}\t{file}\n".encode()))
        parents = () if parent is None else ("-p", parent)
        return self._id(self._git.check_output("commit-tree", tree, "-m", message, *parents))

    def _id(self, output: bytes) -> str:
        return output.decode("ascii").strip()
