"""Four values side by side, for the few loops that a compiler does not turn into SIMD by itself: those in
which a value waits for one of four or more candles ago.

What is done to a lane is what would be done to the value alone, to the bit.
"""

from collections.abc import Callable, Iterable
from typing import Any, cast

from llvmlite import ir  # type: ignore[import-untyped]  # it has no types
from numba.core import types
from numba.core.cgutils import get_or_insert_function
from numba.extending import intrinsic, models, register_model
from numba.np.arrayobj import make_array

from toolkit.kernels.constants import Array

LANES = 4


class _LanesType(types.Type):
    def __init__(self) -> None:
        super().__init__(name="Lanes")


class Lanes:
    """Four floats. Exists in compiled code alone."""


_OfTwo = Callable[[Lanes, Lanes], Lanes]
_lanes = _LanesType()
_vector = ir.VectorType(ir.DoubleType(), LANES)


@register_model(_LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, of_type: Any) -> None:
        super().__init__(manager, of_type, _vector)  # type: ignore[no-untyped-call]  # Numba is not typed


def _places(numbers: Iterable[int]) -> Any:
    """Which lanes a shuffle takes: those of the second vector are counted on."""
    return ir.Constant(ir.VectorType(ir.IntType(32), LANES), list(numbers))


def _place(context: Any, builder: Any, signature: Any, array: Any, at: Any) -> Any:
    """Where in memory four values of an array begin."""
    view = make_array(signature.args[0])(context, builder, array)  # type: ignore[no-untyped-call]
    return builder.bitcast(builder.gep(view.data, [at]), _vector.as_pointer())


@intrinsic
def _load(_context: Any, array: Any, at: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(_place(context, builder, signature, *arguments), align=8)

    return _lanes(array, types.intp), generate


@intrinsic
def _store(_context: Any, array: Any, at: Any, lanes: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array_, at_, lanes_ = arguments
        builder.store(lanes_, _place(context, builder, signature, array_, at_), align=8)
        return context.get_dummy_value()

    return types.void(array, types.intp, _lanes), generate


@intrinsic
def _all(_context: Any, value: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        none = ir.Constant(_vector, ir.Undefined)
        one = builder.insert_element(none, arguments[0], ir.Constant(ir.IntType(32), 0))
        return builder.shuffle_vector(one, none, _places([0] * LANES))

    return _lanes(types.float64), generate


def _of_two(make: Callable[[Any, Any, Any], Any]) -> Any:
    @intrinsic
    def of_two(_context: Any, a: Any, b: Any) -> Any:
        def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return make(builder, *arguments)

        return _lanes(_lanes, _lanes), generate

    return of_two


@intrinsic
def _fma(_context: Any, a: Any, b: Any, c: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(_vector, [_vector] * 3)
        function: Any = get_or_insert_function
        return builder.call(function(builder.module, kind, "llvm.fma.v4f64"), arguments)

    return _lanes(_lanes, _lanes, _lanes), generate


@intrinsic
def _abs(_context: Any, a: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(_vector, [_vector])
        function: Any = get_or_insert_function
        return builder.call(function(builder.module, kind, "llvm.fabs.v4f64"), arguments)

    return _lanes(_lanes), generate


@intrinsic
def _of_greater(_context: Any, a: Any, b: Any, x: Any, y: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        a_, b_, x_, y_ = arguments
        return builder.select(builder.fcmp_ordered(">=", a_, b_), x_, y_)

    return _lanes(_lanes, _lanes, _lanes, _lanes), generate


def _shifted(by: int) -> Any:
    @intrinsic
    def shift(_context: Any, before: Any, now: Any) -> Any:
        def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return builder.shuffle_vector(*arguments, _places(range(LANES - by, 2 * LANES - by)))

        return _lanes(_lanes, _lanes), generate

    return shift


load4 = cast(Callable[[Array, int], Lanes], _load)
"""Four values of an array, from a place on."""

store4 = cast(Callable[[Array, int, Lanes], None], _store)
"""Write four values to an array, from a place on."""

all4 = cast(Callable[[float], Lanes], _all)
"""The same value four times."""

times4 = cast(_OfTwo, _of_two(lambda builder, a, b: builder.fmul(a, b)))
"""Products."""

plus4 = cast(_OfTwo, _of_two(lambda builder, a, b: builder.fadd(a, b)))
"""Sums."""

minus4 = cast(_OfTwo, _of_two(lambda builder, a, b: builder.fsub(a, b)))
"""Differences."""

max4 = cast(_OfTwo, _of_two(lambda builder, a, b: builder.select(builder.fcmp_ordered(">", a, b), a, b)))
"""`a if a > b else b`."""

abs4 = cast(Callable[[Lanes], Lanes], _abs)
"""Without their signs."""

of_greater4 = cast(Callable[[Lanes, Lanes, Lanes, Lanes], Lanes], _of_greater)
"""`x` where `a >= b`, else `y`, of `(a, b, x, y)`."""

fma4 = cast(Callable[[Lanes, Lanes, Lanes], Lanes], _fma)
"""`a * b + c`, each rounded once."""

one_ago = cast(Callable[[Lanes, Lanes], Lanes], _shifted(1))
"""For each lane the value before it: of the four before and these."""

two_ago = cast(Callable[[Lanes, Lanes], Lanes], _shifted(2))
"""For each lane the value two before it."""
