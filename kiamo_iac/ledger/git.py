"""The ledger on a ref of its own in a git remote, the lock on another; work tree, index and branches stay untouched.

refs/kiamo-iac/<environment>        a commit with ledger.json; its parent is the one that the run read
refs/kiamo-iac-lock/<environment>   a commit with lock.json, present while the lock is held

Of a project with a name: `<name>/<environment>`, on both.

Every push is a compare-and-swap (`--force-with-lease=<ref>:<old>`, git 1.8.5; an empty <old>: the ref does not exist).
Each write moves the lock on to a new commit, in one push with the ledger (`--atomic`, git 2.4): the server takes
neither if the lock is not the one that this run holds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Final, NamedTuple

from kiamo_iac.core.errors import LedgerError
from kiamo_iac.core.ledger_settings import PROJECT_NAME, GitSettings
from kiamo_iac.core.printable import shell_word
from kiamo_iac.git.command import GitResult, is_commit, without_password
from kiamo_iac.ledger.content import Content
from kiamo_iac.ledger.document import RemoteContent, document_text, parse_document
from kiamo_iac.ledger.errors import corruption_error, unmoved_error
from kiamo_iac.ledger.git_remotes import LedgerGit, allowed_remote
from kiamo_iac.ledger.lock import LockInfo, LostLockError, acquire
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


def _other_parts(settings: GitSettings, context: LedgerContext) -> list[str]:
    """Where the ledger may be instead of on its ref: the parts after `LEDGER`. Without `Moving`, that is the ref of the
    time when the project had no name."""
    moving = context.moving
    if moving is None:
        return [ref_part(context.environment)] if settings.ref is None and context.name is not None else []
    environment = ref_part(moving.environment or context.environment)
    names = [name for name in (moving.project, context.name) if name is not None and PROJECT_NAME.fullmatch(name)]
    return [*(f"{name}/{environment}" for name in names), environment]


def git_access(settings: GitSettings, context: LedgerContext) -> RemoteAccess:
    """The access to a ledger in a git remote.

    Raises:
        LedgerError: git cannot be used here, or the settings name no remote.
        TransportError: git took too long.
    """
    git = LedgerGit.of(context.root, context.environ, remote=settings.remote)
    return RemoteAccess(GitBackend(settings, git, context), context)


class RefUpdate(NamedTuple):
    """One ref of a push."""

    ref: str
    old: str | None
    """The commit that it must be at; None: it must not exist."""
    new: str | None
    """None: it is deleted."""


class GitBackend:
    """Two refs of a remote."""

    hides_lock_id = False

    def __init__(self, settings: GitSettings, git: LedgerGit, context: LedgerContext) -> None:
        """
        Raises:
            LedgerError: the remote is not a name or an address.
        """
        environment = context.environment
        if not settings.remote or settings.remote.startswith("-"):
            msg = f'The ledger of "{environment}" has no valid remote: "{settings.remote}".'
            raise LedgerError(msg, hint="write ledger: {backend: git, remote: origin} in the project file")
        part = ref_part(settings.ref or environment)
        if settings.ref is None and context.name is not None:
            part = f"{context.name}/{part}"
        self._ref, self._lock_ref = LEDGER + part, LOCK + part
        self._others = tuple(other for other in _other_parts(settings, context) if other != part)
        """Where the ledger may be instead, after `LEDGER`."""
        self._context = context
        self._remote_shown = without_password(settings.remote)
        self._named = settings.remote
        self._local = git
        self._environment = environment
        self._parent: str | None = None
        self._held: str | None = None
        self._lock_tree = ""
        self._source: RefUpdate | None = None
        """Of a ledger that is to be moved: its ref, which the next write deletes."""
        self._source_lock: RefUpdate | None = None
        """And its lock, which this run holds as well."""
        self._pushed: set[str] = set()
        """Commits of this run: one of them may have arrived although its push seemed to fail."""
        self._locks: set[str] = set()
        """Those of the lock, likewise."""
        self._is_atomic = True
        """Whether the server takes several refs at once, or not at all."""

    @property
    def shown(self) -> str:
        """Its name in messages."""
        return f"{self._ref} of {self._remote_shown}"

    @property
    def source(self) -> str | None:
        """The ref that the next write deletes, because it moves the ledger."""
        return f"{self._source.ref} of {self._remote_shown}" if self._source is not None else None

    def lock(self, info: LockInfo, *, timeout: float) -> None:
        """Create the lock's ref.

        Raises:
            LockedError: another run holds it.
            LedgerError, TransportError: git failed.
        """
        self._lock_tree = self._tree("lock.json", info.as_json())
        commit = self._commit(self._lock_tree, message=f"locked by {info}")
        self._locks.add(commit)
        acquire(
            lambda: self._attempt(commit),
            timeout=timeout,
            locked_error=lambda other: other.locked_error(self.shown, environment=self._environment),
            release=lambda: self._delete_lock(commit),
            unreleased=f"this run may hold the lock: {info.how_to_release(self._environment)}",
            pause=self._context.interruption.wait,
            show=self._context.show,
        )
        self._held = commit

    def unlock(self) -> None:
        """Delete the lock's ref, if this run still holds it.

        Raises:
            LedgerError, TransportError: git failed.
        """
        if self._source_lock is not None:
            self._push_all(self._source_lock)
            self._source_lock = None
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
            LedgerError: the run of `info` is active: it moves its lock on.
            LedgerError, TransportError: git failed.
        """
        for _ in range(_TRIES):
            commit = self._tip(self._lock_ref)
            held = self._info_in(commit) if commit is not None else None
            if commit is None or held is None or held.id != info.id or self._delete_lock(commit):
                return
        msg = f"The lock of the ledger {self.shown} cannot be released: its run is active."
        raise LedgerError(msg, hint="wait for that run to end")

    def read(self) -> RemoteContent | None:
        """What the ledger's ref holds.

        Raises:
            LedgerError: it is damaged, or not this environment's; or git failed.
            TransportError: git failed, and may work later.
        """
        others = {LEDGER + part: part for part in self._others}
        for _ in range(_TRIES):
            tips = self._tips(self._ref, *others)
            commit = tips.pop(self._ref, None)
            if commit is None:
                return self._read_other({others[ref]: other for ref, other in tips.items()})
            content = self._content_at(self._ref, commit, environment=self._context.expected_environment)
            if content is not None:
                self._parent = commit
                return RemoteContent(content, commit)
        msg = f"The ledger {self.shown} changes faster than it can be read."
        raise LedgerError(msg, hint="wait for the other run to end")

    def _read_other(self, found: Mapping[str, str]) -> RemoteContent | None:
        """The ledger to be moved here, of those at the other places where it may be: part → commit. None: none is.

        Raises:
            LedgerError: one is, or may be (a ledger of format 1 does not name its project), and it is not to be moved.
            LockedError: another run holds its lock.
        """
        moving = self._context.moving
        projects = {None, self._context.name, self._context.folder}
        if moving is not None and moving.project is not None:
            projects = {None, moving.project}
        for part in (part for part in self._others if part in found):
            ref, commit = LEDGER + part, found[part]
            content = self._content_at(ref, commit, environment=None)
            if content is None or content.project not in projects:
                continue
            if moving is None:
                raise unmoved_error(self.shown, ref, environment=self._environment)
            self._lock_source(part)
            self._source, self._parent = RefUpdate(ref, commit, None), commit
            return RemoteContent(content, commit)
        return None

    def _lock_source(self, part: str) -> None:
        """Hold the lock of the ledger at `part` too."""
        ref, held = LOCK + part, self._held
        if held is None:
            return
        if self._push(ref, held, expected=None) is None:
            commit = self._tip(ref)
            other = self._info_in(commit, ref=ref) if commit is not None else None
            other = other or LockInfo("", "another run")
            raise other.locked_error(f"{LEDGER}{part} of {self._remote_shown}", environment=self._environment)
        self._source_lock = RefUpdate(ref, held, None)

    def _content_at(self, ref: str, commit: str, *, environment: str | None) -> Content | None:
        """The ledger in `commit`; None: `ref` is no longer at it."""
        if not self._fetch(ref, commit, file="ledger.json"):
            return None
        result = self._git.run("cat-file", "blob", f"{commit}:ledger.json")
        if result.code:
            raise corruption_error(self.shown, "its commit holds no file ledger.json", hint=_NO_LEDGER)
        try:
            text = result.output.decode()
        except UnicodeDecodeError:
            raise corruption_error(self.shown, "it is not UTF-8") from None
        return parse_document(text, self.shown, environment=environment)

    def write(self, content: Content, *, expected: str | None) -> str | None:
        """Push a new commit, with the leases that the ref is still at `expected`, and that this run holds the lock.

        Raises:
            LostLockError: it does not any more; nothing was written.
            LedgerError, TransportError: git failed.
        """
        message = f"{len(content.entries)} resources, serial {content.serial}"
        commit = self._commit(self._tree("ledger.json", document_text(content)), message=message, parent=self._parent)
        self._pushed.add(commit)
        if self._held is None:
            return self._push(self._ref, commit, expected=expected)
        moved = [update for update in (self._source, self._source_lock) if update is not None]
        if self._source is not None:
            expected = None  # there is no ledger at its new place yet
        lock = self._commit(self._lock_tree, message=f"locked for {commit}")
        self._locks.add(lock)
        for _ in range(_TRIES):
            updates = (RefUpdate(self._lock_ref, self._held, lock), RefUpdate(self._ref, expected, commit), *moved)
            result = self._push_all(*updates)
            if result.code == 0:
                self._held, self._source, self._source_lock = lock, None, None
                return commit
            tips = self._tips(
                *(update.ref for update in updates)
            )  # git's message for a lost race depends on version and server
            self._held = self._checked_lock(tips.get(self._lock_ref))
            tip = tips.get(self._ref)
            if tip == commit:
                self._check_moved(tips)
                return commit
            if tip != expected and tip not in self._pushed:
                return None
            if tip == expected and result.transient:
                break
            expected = tip
        raise self._git.error_of("push", result)

    def _check_moved(self, tips: Mapping[str, str]) -> None:
        """
        Raises:
            LedgerError: the ledger is at its new place, and at its former one too.
        """
        source, self._source = self._source, None
        if source is not None and source.ref in tips:
            msg = f"The ledger was copied to {self.shown}, but {source.ref} could not be deleted."
            remote = shell_word(self._named, "REMOTE")
            raise LedgerError(msg, hint=f"delete it: git push {remote} --delete {source.ref}")

    def _checked_lock(self, commit: str | None) -> str:
        """`commit`, at which the lock's ref is, if it is of this run.

        Raises:
            LostLockError: another run holds the lock, or none.
        """
        if commit is not None and commit in self._locks:
            return commit
        self._held = None
        raise LostLockError.by(self._info_in(commit) if commit is not None else None)

    def _push_all(self, *updates: RefUpdate) -> GitResult:
        """Push all of `updates`, or none; to a server that cannot do that, one after the other, until one fails."""
        if self._is_atomic or len(updates) == 1:
            leases = [f"--force-with-lease={each.ref}:{each.old or ''}" for each in updates]
            refs = [f"{each.new or ''}:{each.ref}" for each in updates]
            atomic = ["--atomic"] if len(updates) > 1 else []
            result = self._git.run("push", *_PUSH, *atomic, *leases, "--", self._remote, *refs)
            if not atomic or "support --atomic" not in result.message:
                return result
            self._is_atomic = False
        for update in updates:
            result = self._push_all(update)
            if result.code:
                break
        return result

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

    def _delete_lock(self, commit: str) -> bool:
        """Delete the lock's ref if it is at `commit`, or at another commit of this run. Whether it was."""
        while True:
            result = self._push_all(RefUpdate(self._lock_ref, commit, None))
            if result.code == 0:
                return True
            tip = self._tip(self._lock_ref)
            if tip == commit:
                raise self._git.error_of("push", result)
            if tip is None or tip not in self._locks:
                return False
            commit = tip

    def _push(self, ref: str, commit: str, *, expected: str | None) -> str | None:
        """`commit`, when `ref` is at it now; None, when it was not at `expected` any more."""
        for _ in range(_PUSHES):
            result = self._push_all(RefUpdate(ref, expected, commit))
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
        return allowed_remote(self._local, self._named, environment=self._environment, pinned=self._context.pinned)

    @property
    def _git(self) -> LedgerGit:
        return self._allowed[0]

    @property
    def _remote(self) -> str:
        return self._allowed[1]

    def _tip(self, ref: str) -> str | None:
        return self._tips(ref).get(ref)

    def _tips(self, *refs: str) -> dict[str, str]:
        """The commits of those refs that exist."""
        listed = self._git.check_output("ls-remote", "--quiet", _READ, "--", self._remote, *refs)
        lines = (line.partition("\t") for line in listed.decode("ascii", "replace").splitlines())
        return {name: commit for commit, _, name in lines if name in refs and is_commit(commit)}

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

    def _info_in(self, commit: str, *, ref: str | None = None) -> LockInfo | None:
        """Who holds the lock of `commit` (at `ref`, if it is not the ledger's own); None: it has been released."""
        if not self._fetch(ref or self._lock_ref, commit, file="lock.json"):
            return None
        text = self._git.run("cat-file", "blob", f"{commit}:lock.json").output.decode("utf-8", "replace")
        return LockInfo.from_json(text) or LockInfo(commit[:12], "another run")

    def _tree(self, file: str, text: str) -> str:
        blob = self._id(self._git.check_output("hash-object", "-w", "--stdin", stdin=text.encode()))
        return self._id(self._git.check_output("mktree", stdin=f"100644 blob {blob}\t{file}\n".encode()))

    def _commit(self, tree: str, *, message: str, parent: str | None = None) -> str:
        parents = () if parent is None else ("-p", parent)
        return self._id(self._git.check_output("commit-tree", tree, "-m", message, *parents))

    def _id(self, output: bytes) -> str:
        return output.decode("ascii").strip()
