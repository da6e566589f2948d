"""JSON as strangers send it."""

from __future__ import annotations

import json
from typing import Any, NoReturn

__all__ = ["BadJSON", "parse"]


class BadJSON(ValueError):
    """What came is no JSON that can be used."""


def parse(data: bytes | str) -> Any:
    """The value; stricter than Python's own reader.

    Raises:
        BadJSON: it is no UTF-8 or no JSON, holds NaN or Infinity (which JSON does not have), a key twice in
            one object, or is nested too deep.
    """
    try:
        text = data if isinstance(data, str) else data.decode("utf-8")
        return json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except UnicodeDecodeError as error:
        raise BadJSON(f"is not UTF-8 (byte {error.start})") from None
    except RecursionError:
        raise BadJSON("is nested too deep") from None
    except json.JSONDecodeError as error:
        raise BadJSON(f"is not JSON: {error.msg} at character {error.pos}") from None
    except BadJSON:
        raise
    except ValueError:  # a number of thousands of digits
        raise BadJSON("holds a number that is too long") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise BadJSON(f"has the key {key[:64]!r} twice in one object")
            seen.add(key)
    return found


def _constant(name: str) -> NoReturn:
    raise BadJSON(f"holds {name}, which JSON does not have")
