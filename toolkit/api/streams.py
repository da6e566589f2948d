"""Streams."""

from toolkit.api.service import Service


class Hub:
    def __init__(self, service: Service) -> None:
        self.connections = 0
        self.streams = 0

    async def close(self) -> None: ...
