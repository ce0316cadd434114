"""Which files the ledger needs: those that its facts name, and those that its requests were given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from application.ledger.contents import Body
from application.ledger.log import Codec
from application.ledger.reader import LogFilter, LogReader
from application.ports import Content, Contents
from domain.operation import ProviderCompleted

PAGE = 1_000


@dataclass(frozen=True, slots=True)
class References:
    """`folder` names the folder that keeps an account's files."""

    reader: LogReader
    codec: Codec
    contents: Contents
    folder: Callable[[str], str]

    def by_folder(self) -> dict[str, set[str]]:
        """The digests of all files that are needed, by the folders they are in."""
        found: dict[str, set[str]] = {}
        for completed in self._completed(None):
            folder = self.folder(completed.operation.account)
            found.setdefault(folder, set()).update(stored.digest for stored in completed.assets)
        for content in self._contents(None):
            found.setdefault(self.folder(content.account), set()).update(_inputs(content))
        return found

    def of_account(self, account: str) -> Iterator[tuple[str, list[str]]]:
        """Batches of an account with the digests of their files, delivered and given."""
        for completed in self._completed(account):
            yield completed.operation.batch, [stored.digest for stored in completed.assets]
        for content in self._contents(account):
            yield content.batch, _inputs(content)

    def newest(self) -> int | None:
        """The instant of the newest fact; None if nothing was ever recorded."""
        for entry in self.reader.read(self.reader.end() - 1, 1):
            return self.codec.decode(entry.link.topic, entry.link.state).at
        return None

    def _completed(self, account: str | None) -> Iterator[ProviderCompleted]:
        wanted = LogFilter(account=account, topics=self.codec.names_of(ProviderCompleted))
        position = 0
        while page := self.reader.read(position, PAGE, wanted):
            for entry in page:
                fact = self.codec.decode(entry.link.topic, entry.link.state)
                if isinstance(fact, ProviderCompleted):
                    yield fact
            position = page[-1].position

    def _contents(self, account: str | None) -> Iterator[Content]:
        after = ""
        while page := self.contents.page(after, PAGE, account):
            yield from page
            after = page[-1].batch


def _inputs(content: Content) -> list[str]:
    return [asset.digest for assets in Body.from_json(content.body).media.values() for asset in assets]
