"""Which files the ledger needs: those that its facts name, and those that its requests were given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from application.ledger.contents import Body
from application.ledger.log import Codec
from application.ledger.reader import LogFilter, LogReader
from application.library.naming import AssetNames
from application.ports import Content, Contents
from domain.assets import AssetAdded, AssetErased
from domain.ledger import ContentErased, Fact
from domain.operation import ProviderCompleted, Requested

PAGE = 1_000


@dataclass(frozen=True, slots=True)
class References:
    """`folder` names the folder that keeps an account's files, and `names` the ids of its assets."""

    reader: LogReader
    codec: Codec
    contents: Contents
    folder: Callable[[str], str]
    names: AssetNames

    def by_folder(self) -> dict[str, set[str]]:
        """The digests of all files that are needed, by the folders they are in."""
        found: dict[str, set[str]] = {}
        for account, digests in self._needed(None).items():
            found.setdefault(self.folder(account), set()).update(digests)
        return found

    def _needed(self, account: str | None) -> dict[str, set[str]]:
        """The digests of each account's files, by its assets: those that were made or brought, and not erased since."""
        outputs: dict[tuple[str, str], str | None] = {}
        for fact in self._facts(account, (Requested, AssetAdded, ProviderCompleted, ContentErased, AssetErased)):
            _follow(outputs, fact)
        found: dict[str, set[str]] = {}
        for (owner, _), digest in outputs.items():
            if digest is not None:
                found.setdefault(owner, set()).add(digest)
        for content in self._contents(account):
            digests = [
                one for one in _inputs(content) if (content.account, self.names.id(content.account, one)) in outputs
            ]
            found.setdefault(content.account, set()).update(digests)
        return found

    def newest(self) -> int | None:
        """The instant of the newest fact; None if nothing was ever recorded."""
        for entry in self.reader.read(self.reader.end() - 1, 1):
            return self.codec.decode(entry.link.topic, entry.link.state).at
        return None

    def _facts(self, account: str | None, shapes: Sequence[type[Fact]]) -> Iterator[Fact]:
        wanted = LogFilter(account=account, topics=tuple(name for one in shapes for name in self.codec.names_of(one)))
        position = 0
        while page := self.reader.read(position, PAGE, wanted):
            for entry in page:
                yield self.codec.decode(entry.link.topic, entry.link.state)
            position = page[-1].position

    def _contents(self, account: str | None) -> Iterator[Content]:
        after = ""
        while page := self.contents.page(after, PAGE, account):
            yield from page
            after = page[-1].batch


def _follow(outputs: dict[tuple[str, str], str | None], fact: Fact) -> None:
    """The assets that are needed after one more fact; the digest of an output is known, that of an input is not."""
    match fact:
        case Requested():
            for given in fact.inputs:
                outputs.setdefault((fact.operation.account, given.id), None)
        case ProviderCompleted():
            outputs.update(
                {(fact.operation.account, stored.id or stored.digest): stored.digest for stored in fact.assets}
            )
        case AssetAdded():
            outputs.setdefault((fact.account, fact.asset), None)
        case ContentErased():
            for id in fact.assets:
                outputs.pop((fact.account, id), None)
        case AssetErased():
            outputs.pop((fact.account, fact.asset), None)


def _inputs(content: Content) -> list[str]:
    return [asset.digest for assets in Body.from_json(content.body).media.values() for asset in assets]
