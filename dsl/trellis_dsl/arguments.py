"""Arguments of the vocabulary's words, held to their annotations while a stack is loaded.

A type checker says the same earlier; not everybody runs one.
"""

import math
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from inspect import Parameter, Signature, signature
from reprlib import Repr
from typing import Any, Literal, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

from trellis_dsl.errors import StackError
from trellis_dsl.location import Location, caller

P = ParamSpec("P")
R = TypeVar("R")

_WORDS: Mapping[object, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "True or False",
    types.NoneType: "None",
}
_SHORT = Repr()
_SHORT.maxother = _SHORT.maxstring = 60


def typed(*, leaving: Sequence[str] = ()) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Refuse arguments that are not what a function's annotations say, before it is called.

    Args:
        leaving: parameters that the function checks itself, with a better sentence.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        taken = signature(function)
        hints: dict[str, object] = {}

        @wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            if not hints:  # what an annotation names may be declared further down
                hints.update(get_type_hints(function))
            for name, value in _named(taken, args, kwargs):
                if name not in leaving and name in hints:
                    refuse_mistyped(name, value, hints[name])
            return function(*args, **kwargs)

        return checked

    return decorate


def refuse_mistyped(name: str, value: object, hint: object, where: Location | None = None) -> None:
    """Raise `StackError` unless the value is of the annotated type, as far as that can be told."""
    if not fits(value, hint):
        what = f"{name} is {_SHORT.repr(value)}, not {' or '.join(dict.fromkeys(_described(hint)))}"
        raise StackError(what, where=where or caller())


def refuse_mistyped_fields(value: object) -> None:
    """Likewise for each field of a dataclass."""
    for name, hint in get_type_hints(type(value)).items():
        refuse_mistyped(name, getattr(value, name), hint)


def fits(value: object, hint: object) -> bool:
    """Whether a value is of an annotated type; true where that cannot be told at run time."""
    origin = get_origin(hint)
    if origin in {Union, types.UnionType}:
        return any(fits(value, one) for one in get_args(hint))
    if origin is Literal:
        return any(value == one and type(value) is type(one) for one in get_args(hint))
    if isinstance(origin, type):
        return _fits_generic(value, origin, get_args(hint))
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint) if isinstance(hint, type) else True


def _fits_generic(value: object, origin: type, items: tuple[object, ...]) -> bool:
    if not isinstance(value, origin):
        return False
    if isinstance(value, str):
        return False  # a text is a sequence of texts, and nobody means that
    if isinstance(value, Mapping) and len(items) == 2:
        return all(fits(key, items[0]) and fits(item, items[1]) for key, item in value.items())
    if isinstance(value, Sequence) and items:
        return all(fits(item, items[0]) for item in value)
    return True


def _described(hint: object) -> Iterator[str]:
    """What an annotation takes, in words."""
    origin, items = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        for one in items:
            yield from _described(one)
    elif origin is Literal:
        yield from map(repr, items)
    elif isinstance(origin, type) and issubclass(origin, Mapping):
        yield "a mapping"
    elif isinstance(origin, type) and issubclass(origin, Sequence):
        yield f"a list of {' or '.join(_described(items[0]))}s"
    else:
        named = origin or hint
        yield _WORDS.get(named) or str(getattr(named, "__name__", named))


def _named(taken: Signature, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Iterator[tuple[str, Any]]:
    """Each argument under the name of its parameter.

    Raises:
        StackError: there is one too many, or one is missing.
    """
    try:
        bound = taken.bind(*args, **kwargs).arguments
    except TypeError as error:
        raise StackError(str(error), where=caller()) from None
    for name, value in bound.items():
        match taken.parameters[name].kind:
            case Parameter.VAR_POSITIONAL:
                yield from ((name, one) for one in value)
            case Parameter.VAR_KEYWORD:
                yield from ((name, one) for one in value.values())
            case _:
                yield name, value
