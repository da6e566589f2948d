"""References of the trend indicators."""

from references.reference import Reference

REFERENCES: dict[str, Reference] = {}
