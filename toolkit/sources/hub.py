"""The hub source: the dataset on the Hugging Face hub."""

from __future__ import annotations

from toolkit.sources.base import SourceError, Stored

__all__ = ["HubSource"]


class HubSource:
    """The dataset on the Hugging Face hub."""

    name = "hub"

    def find(self, symbol: str, timeframe: str) -> Stored:
        """See :class:`toolkit.sources.base.Source`."""
        raise SourceError("hub: cannot be reached")
