"""References of the volume indicators."""

from references.reference import Reference

REFERENCES: dict[str, Reference] = {}
