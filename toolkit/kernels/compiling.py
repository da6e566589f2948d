"""Compiling with Numba, and keeping what was compiled where it can't go stale."""

import hashlib
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numba
from numba.core import types
from numba.core.cgutils import get_null_value
from numba.extending import intrinsic, register_jitable
from numba.np.arrayobj import make_array

from toolkit import settings
from toolkit.kernels.constants import Array

_numba_config: Any = numba.config  # its settings are made at run time
_PACKAGE = Path(__file__).parents[1]


def _made_folder() -> Path:
    """Folder for compiled code, named after a hash of every module that holds some.

    Numba notices an edited kernel but not an edited *callee*; with the hash in the path an old result can't
    be loaded. Folders of other versions are dropped when unused for a month.
    """
    sources = [
        *sorted((_PACKAGE / "kernels").glob("*.py")),
        _PACKAGE / "rules.py",
        *sorted((_PACKAGE / "indicators").glob("*.py")),
    ]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources if path.exists())).hexdigest()[:16]
    root = settings.folder("kernels")
    folder = root / digest
    if not folder.exists():
        folder.mkdir(exist_ok=True)
        for other in root.iterdir():
            if other.is_dir() and other.stat().st_mtime < time.time() - 30 * 86_400:
                shutil.rmtree(other, ignore_errors=True)
    return folder


@contextmanager
def _numba_cache_in(folder: str) -> Iterator[None]:
    """Numba reads its cache folder while it decorates; other users of Numba in the process keep theirs."""
    before, _numba_config.CACHE_DIR = _numba_config.CACHE_DIR, folder
    try:
        yield
    finally:
        _numba_config.CACHE_DIR = before


P = ParamSpec("P")
R = TypeVar("R")
_PROCESS = uuid.uuid4().hex[:12]  # in the names of the files of compiled code that this process writes
_folder: list[Path | None] = []  # once it is known


def cache_folder() -> Path | None:
    """Where this version's compiled code lies; None where no folder can be written."""
    if not _folder:
        try:
            _folder.append(_made_folder())
        except (OSError, settings.SettingsError):  # all works without, only the start is slower
            _folder.append(None)
    return _folder[0]


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile with Numba: without the GIL, IEEE exact, division by zero giving inf or NaN as in numpy.

    Functions of this package are cached on disk under `TOOLKIT_HOME`; a user's own (a notebook cell, a
    script) are compiled afresh in each process, since only here do we know when a callee has changed.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    folder = cache_folder()
    if folder is not None:
        source = Path(cast(Any, function).__code__.co_filename)
        if _PACKAGE in source.parents or folder in source.parents:
            with _numba_cache_in(str(folder)):
                dispatcher: Any = numba.njit(cache=True, **options)(function)
            # Numba numbers the files of a function. Two processes that compile it at the same time for other
            # types would both take number 1, and later one's code be run in place of the other's.
            file = dispatcher._cache._cache_file
            file._data_name_pattern = file._data_name_pattern.replace("{number", f"{_PROCESS}-{{number")
            return cast(Callable[P, R], dispatcher)
    return cast(Callable[P, R], numba.njit(**options)(function))


def shared(function: Callable[P, R]) -> Callable[P, R]:
    """A small function that Python calls as it is, and that kernels can call too: sizes of memory."""
    return register_jitable(function)


@intrinsic
def _unowned(_context: Any, array: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        view = make_array(signature.args[0])(context, builder, arguments[0])  # type: ignore[no-untyped-call]
        nothing: Any = get_null_value
        view.meminfo = nothing(view.meminfo.type)
        view.parent = nothing(view.parent.type)
        return view._getvalue()

    return array(array), generate


unowned = cast(Callable[[Array], Array], _unowned)
"""The same array without a count of who holds it, for an argument of a kernel: every slice of a counted
array costs two atomic operations, which is more than a step of an average. The caller holds the array
meanwhile; one that the kernel made itself must stay counted."""


@intrinsic
def _fma(_context: Any, a: Any, b: Any, c: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    number = types.float64
    return number(number, number, number), generate


fma = cast(Callable[[float, float, float], float], _fma)
"""`a * b + c` rounded once: half the operations, and the same bits on every machine, which a compiler that is
left to join them would not promise."""
