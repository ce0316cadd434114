"""The file behind an asset: an output's digest is in the log, an input's in what its request was asked with.

asset ─┬─ made by an operation ── ProviderCompleted ──> digest
       ├─ came with one ───────── its content, until that is erased ──> digest
       └─ was added by itself ─── the content of that, until the asset is erased ──> digest
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from application.ledger.contents import Body
from application.ledger.log import Codec
from application.ledger.reader import LogFilter, LogReader
from application.library.naming import AssetNames
from application.library.records import AssetLink
from application.ports import Asset, Contents
from domain.assets import AssetAdded
from domain.operation import ProviderCompleted

PAGE = 1_000
OUTPUT = "output"


@dataclass(frozen=True, slots=True)
class AssetFiles:
    """Finds the file of an asset by the operations that it has a place in; blocking."""

    reader: LogReader
    codec: Codec
    contents: Contents
    names: AssetNames

    def find(self, account: str, id: str, places: Sequence[AssetLink]) -> Asset | None:
        """The file as it was stored; None if nothing tells any more which it was."""
        made = [link.operation for link in places if link.role == OUTPUT]
        found = self._among(self._outputs(made[:1]), id)
        for batch in dict.fromkeys(link.batch for link in places if link.role != OUTPUT):
            found = found or self._among(self._inputs(account, batch), id)
        if found is None:
            found = self._among(
                (file for batch in self.additions(account, id) for file in self._inputs(account, batch)), id
            )
        return found

    def additions(self, account: str, id: str) -> list[str]:
        """The contents that were kept when somebody added the asset, the newest first."""
        wanted = LogFilter(account=account, operations=(id,), topics=self.codec.names_of(AssetAdded))
        facts = [self.codec.decode(one.link.topic, one.link.state) for one in self.reader.read(0, PAGE, wanted)]
        return [fact.content for fact in reversed(facts) if isinstance(fact, AssetAdded)]

    def _outputs(self, operations: Sequence[str]) -> Iterable[Asset]:
        if not operations:
            return
        wanted = LogFilter(operations=tuple(operations), topics=self.codec.names_of(ProviderCompleted))
        for entry in self.reader.read(0, PAGE, wanted):
            fact = self.codec.decode(entry.link.topic, entry.link.state)
            if isinstance(fact, ProviderCompleted):
                yield from fact.assets

    def _inputs(self, account: str, batch: str) -> Iterable[Asset]:
        content = self.contents.load(batch)
        if content is not None and content.account == account:
            for assets in Body.from_json(content.body).media.values():
                yield from (self.names.named(account, asset) for asset in assets)

    @staticmethod
    def _among(files: Iterable[Asset], id: str) -> Asset | None:
        return next((file for file in files if file.id == id), None)
