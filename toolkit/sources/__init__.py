"""Where stored candles come from: the Hugging Face hub, a folder, or the synthetic sample market."""

from toolkit.sources.base import NotStored, Source, SourceError, Stored

__all__ = ["NotStored", "Source", "SourceError", "Stored"]
