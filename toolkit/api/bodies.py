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
        BadJSON: it is no UTF-8 or no JSON, holds NaN or Infinity (which JSON does not have), a whole number
            beyond 64 bits, half of a surrogate pair, or a key twice in one object, or is nested too deep.
    """
    try:
        text = data if isinstance(data, str) else data.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer)
        if "\\ud" in text.lower():
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except UnicodeEncodeError:
        raise BadJSON("holds half of a surrogate pair") from None
    except UnicodeDecodeError as error:
        raise BadJSON(f"is not UTF-8 (byte {error.start})") from None
    except RecursionError:
        raise BadJSON("is nested too deep") from None
    except json.JSONDecodeError as error:
        raise BadJSON(f"is not JSON: {error.msg} at character {error.pos}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise BadJSON(f"has the key {key[:64]!r} twice in one object")
            seen.add(key)
    return found


def _integer(digits: str) -> int:
    if len(digits) > 20 or not -(2**63) <= (number := int(digits)) < 2**63:
        raise BadJSON("holds a whole number beyond 64 bits")
    return number


def _constant(name: str) -> NoReturn:
    raise BadJSON(f"holds {name}, which JSON does not have")
