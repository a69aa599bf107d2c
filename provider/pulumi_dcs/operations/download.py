"""Downloads a backup's files: resumed where a connection breaks, checked for size, whole under their final names."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from filelock import FileLock, Timeout

from ..api import retries
from ..api.errors import ConnectionFailed, DcsError
from ..api.files import FileRefused, Files, OpenFile
from ..api.links import Link
from .errors import DownloadFailedError
from .file_names import checked_names, shown
from .operation import Operation
from .part_file import check_same, finish, opened, put_in_place, told

RETRY_TIMEOUT: Final = 60.0
"""Seconds for which a file is tried again without getting a byte further: as for other reads."""
_MAX_RESTARTS: Final = 3
"""How often a file may have to be started again from its first byte: a storage that can't resume, or a file that has
changed, does so once; one that keeps contradicting itself would do so for ever."""
_MAX_NEW_LINKS: Final = 2
"""How often in a row new links are made for a file without getting a byte further: one that has expired takes one."""
_PROGRESS_INTERVAL: Final = 1.0
"""Seconds between two messages on the progress: more often, nobody can read them."""


class _StartAgain(Exception):
    """What has come so far is of no use: the file has to be started from its first byte."""


@dataclass
class _Progress:
    """How far one file is.

    Attributes:
        furthest: the most bytes that were ever there.
        failing_since: since when no byte has come (monotonic); None while some do.
    """

    furthest: int = 0
    attempts: int = 0
    failing_since: float | None = None
    restarts: int = 0
    new_links: int = 0

    def got(self, size: int) -> None:
        """Note how many bytes are there."""
        if size > self.furthest:
            self.furthest, self.attempts, self.failing_since, self.new_links = size, 0, None, 0

    def restart(self, name: str) -> None:
        """Note that the file is started again from its first byte.

        Raises:
            DownloadFailedError: that has been tried for often enough.
        """
        self.restarts += 1
        if self.restarts > _MAX_RESTARTS:
            raise DownloadFailedError(
                f"DCS's storage does not send {shown(name)} to its end.",
                facts=[
                    f"{_amount(self.furthest)} came at most, then the connection broke or the size changed",
                    f"it was started {self.restarts} times: from the middle the storage sends something else",
                ],
                advice="try again later; if it persists, ask the service's support.",
            )


class Download:
    """Downloads the files of one backup into a folder.

    What has come of a file is in a hidden file beside its final name. A later download of the same backup goes on
    there. A file that is there already, with the storage's size and time, is not downloaded again.

    Args:
        make_links: makes new links; asked again when they expire.
        backup: the backup's id, with its instance's: what an unfinished file belongs to.
    """

    def __init__(
        self,
        make_links: Callable[[], Sequence[Link]],
        files: Files,
        operation: Operation,
        *,
        backup: str,
        folder: Path,
    ) -> None:
        self._make_links = make_links
        self._files = files
        self._operation = operation
        self._backup = backup
        self._folder = folder
        self._links: dict[str, Link] = {}
        self._reported_at = float("-inf")

    def run(self) -> list[Path]:
        """Download all files; their paths, in the service's order.

        Raises:
            DownloadFailedError: a file can't be written, or does not come as it should.
            DcsError: the links, or a file, could not be got.
        """
        with told(self._folder), self._only_one():
            self._refresh_links()
            names = list(self._links)
            return [self._download(name, f"file {number} of {len(names)}") for number, name in enumerate(names, 1)]

    @contextmanager
    def _only_one(self) -> Iterator[None]:
        """Keep a second process from writing the same files at the same time."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f".{self._digest('lock')}.lock"
        lock = FileLock(path, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise DownloadFailedError(
                f"Backup {self._backup} is being downloaded into {self._folder} already.",
                facts=["another process, or another part of the program, is writing there"],
                advice="wait for it, or name another folder.",
            ) from None
        try:
            yield
        finally:
            with suppress(OSError):
                path.unlink(missing_ok=True)
            lock.release()

    def _refresh_links(self) -> None:
        links = retries.read(
            self._make_links,
            clock=self._operation.clock,
            pause=self._operation.pause,
            retry_timeout=min(retries.READ_RETRY_TIMEOUT, self._operation.remaining),
            on_retry=self._operation.report_progress,
        )
        names = checked_names([link.file_name for link in links])
        self._links = dict(zip(names, links, strict=True))

    def _download(self, name: str, which: str) -> Path:
        progress = _Progress()
        while True:
            try:
                self._fetch(name, which, progress)
            except _StartAgain:
                progress.restart(name)
                self._part(name).unlink(missing_ok=True)
            except FileRefused as error:
                if error.is_transient:
                    self._wait(progress, error)
                    continue
                if not error.may_have_expired or progress.new_links >= _MAX_NEW_LINKS:
                    raise
                progress.new_links += 1
                self._new_link(name)
            except ConnectionFailed as error:
                failure = DownloadFailedError(error.summary, facts=error.facts, advice=error.advice)
                if not error.is_transient:
                    # Not from the error: that would lead to advice on the endpoint of DCS, which is another one.
                    raise failure from None
                self._wait(progress, failure)
            else:
                return self._folder / name

    def _new_link(self, name: str) -> None:
        self._operation.report_progress(f"The link of {shown(name)} is no longer accepted; making a new one.")
        self._refresh_links()
        if name not in self._links:
            raise DownloadFailedError(
                f"DCS no longer has the file {shown(name)} of backup {self._backup}.",
                facts=["new links were made because the old one was refused, and it is not among them"],
                advice="check that the backup still exists.",
            )

    def _wait(self, progress: _Progress, error: DcsError) -> None:
        """Wait before another try.

        Raises:
            DcsError: the error, where it has been tried for long enough.
        """
        now = self._operation.clock.monotonic()
        if progress.failing_since is None:
            progress.failing_since = now
        progress.attempts += 1
        delay = retries.backoff_delay(progress.attempts)
        if now + delay - progress.failing_since >= RETRY_TIMEOUT:
            raise error from None
        self._operation.report_progress(f"{error.summary} Going on in {max(1, round(delay))} s.")
        self._operation.pause(delay)

    def _fetch(self, name: str, which: str, progress: _Progress) -> None:
        """Ask for what is missing of a file, and write what comes.

        Raises:
            _StartAgain: what is there is no part of what the storage has.
        """
        final, part = self._folder / name, self._part(name)
        # The last byte once more: a storage refuses to send nothing, and would not say when the file was changed.
        offset = max(0, part.stat().st_size - 1) if part.exists() else 0
        with self._files.open(self._links[name], offset=offset) as source:
            start, total = _range_of(source, name, offset)
            if final.exists() or final.is_symlink():
                check_same(final, source, total)
                part.unlink(missing_ok=True)
                return
            if offset and not start:
                progress.restart(name)
            with opened(part, start) as target:
                self._receive(source, target, name, which, progress, range(start, total))
                finish(part, target, source.modified)
        put_in_place(part, final)
        self._operation.report_progress(f"{shown(name)}: all {_amount(total)} have come, {which}.")

    def _receive(  # noqa: PLR0917
        self, source: OpenFile, target: BinaryIO, name: str, which: str, progress: _Progress, wanted: range
    ) -> None:
        """Write what comes, to the end of the file.

        Args:
            wanted: from the first byte that comes to the end of the file.

        Raises:
            ConnectionFailed: it did not come to its end.
        """
        size, total = wanted.start, wanted.stop
        lost: ConnectionFailed | None = None
        try:
            for chunk in source.chunks():
                target.write(chunk)
                size += len(chunk)
                progress.got(min(size, total))
                if size >= total:
                    break
                self._report(f"{shown(name)}: {_amount(size)} of {_amount(total)}, {which}.")
                self._operation.check_deadline()
        except ConnectionFailed as error:
            lost = error
        if size > total:
            raise _StartAgain
        if size < total:
            raise ConnectionFailed(
                f"The connection to DCS's storage broke after {size:,} of {total:,} bytes.",
                sent=True,
                is_transient=lost is None or lost.is_transient,
                facts=[f"downloading {shown(name)}", *(lost.facts[1:] if lost else ())],
                advice="run it again: it goes on where it ended.",
            ) from lost

    def _report(self, message: str) -> None:
        now = self._operation.clock.monotonic()
        if now - self._reported_at >= _PROGRESS_INTERVAL:
            self._reported_at = now
            self._operation.report_progress(message)

    def _part(self, name: str) -> Path:
        """Where an unfinished file is: its name is the same each time, and no other backup's."""
        return self._folder / f".{name}.{self._digest(name)}.part"

    def _digest(self, name: str) -> str:
        return hashlib.sha256(f"{self._backup}\n{name}".encode()).hexdigest()[:12]


def _range_of(source: OpenFile, name: str, offset: int) -> tuple[int, int]:
    """Where what comes begins in the file, and how many bytes the file has.

    Raises:
        _StartAgain: it is not the part that was asked for.
    """
    if source.status == 200:
        # Also in place of a part: then the storage can't resume.
        if source.total is None:
            raise DownloadFailedError(
                f"DCS's storage does not say how long {shown(name)} is.",
                facts=["without its length nobody can tell whether all of it has come"],
                advice="check whether a proxy in between changes responses; else ask the service's support.",
            )
        return 0, source.total
    if source.status == 416 or source.start != offset or source.total is None or source.total <= offset:
        raise _StartAgain
    return offset, source.total


def _amount(size: int) -> str:
    """A number of bytes as a person would say it."""
    if size < 1_000_000:
        return f"{size} bytes"
    return f"{size / 1_000_000:.1f} MB" if size < 1_000_000_000 else f"{size / 1_000_000_000:.2f} GB"
