"""Values of any dataclass of the ledger, made from its type hints, and every way to change one in a single place.

So a structure that is added tomorrow is tested like those of today, without anybody listing it.
"""

import dataclasses
import importlib
import inspect
import pkgutil
import types
from collections.abc import Iterator
from enum import IntEnum, IntFlag
from typing import Any, Union, get_args, get_origin, get_type_hints

import mvchain.ledger
from mvchain.core.errors import MvchainError


def ledger_classes() -> list[type]:
    """The dataclasses of `mvchain.ledger`, by name."""
    found: dict[str, type] = {}
    for module in pkgutil.iter_modules(mvchain.ledger.__path__, "mvchain.ledger."):
        members = inspect.getmembers(importlib.import_module(module.name), inspect.isclass)
        found |= {name: value for name, value in members if value.__module__ == module.name}
    found = {name: value for name, value in found.items() if dataclasses.is_dataclass(value)}
    return [found[name] for name in sorted(found)]


def make(hint: Any, salt: int = 1) -> Any:
    """A value of this type; another salt gives another value."""
    while hasattr(hint, "__supertype__"):  # NewType
        hint = hint.__supertype__
    origin, args = get_origin(hint), get_args(hint)
    if origin is tuple:
        if args[-1] is Ellipsis:
            return make(args[0], salt), make(args[0], salt + 1)
        return tuple(make(arg, salt) for arg in args)
    if origin in (Union, types.UnionType):
        return make(args[0], salt)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        hints = get_type_hints(hint)
        return hint(**{f.name: make(hints[f.name], salt + i) for i, f in enumerate(dataclasses.fields(hint)) if f.init})
    if isinstance(hint, type) and issubclass(hint, tuple):  # NamedTuple
        return hint(*(make(inner, salt + i) for i, inner in enumerate(get_type_hints(hint).values())))
    if isinstance(hint, type) and issubclass(hint, IntEnum | IntFlag):
        return next(iter(hint))
    return {int: 200 + salt, bytes: bytes((salt,)) * 32, str: f"text {salt}", bool: True, object: 200 + salt}[hint]


def changed(value: Any) -> Iterator[Any]:
    """Every value of the same type that differs from this one in one place."""
    match value:
        case bool():
            yield not value
        case IntEnum() | IntFlag():
            yield from (other for other in type(value) if other != value)
        case int():
            yield from (value + 1, value - 1, value + 256)
        case bytes():
            yield from (bytes((value[0] ^ 1,)) + value[1:], value[:-1] + bytes((value[-1] ^ 0x80,)))
            yield from (value[:-1], value + b"\x00")
        case str():
            yield from (value + "x", value[:-1])
        case tuple() if hasattr(value, "_replace"):
            yield from (value._replace(**{n: other}) for n in value._fields for other in changed(getattr(value, n)))
        case tuple():
            yield from ((*value[:i], other, *value[i + 1 :]) for i, item in enumerate(value) for other in changed(item))
            yield from (value[:-1], (*value, value[-1]))
            if value[0] != value[-1]:
                yield value[::-1]
        case _ if dataclasses.is_dataclass(value):
            for field in dataclasses.fields(value):
                if field.init:
                    for other in changed(getattr(value, field.name)):
                        try:
                            yield dataclasses.replace(value, **{field.name: other})  # type: ignore[type-var]
                        except MvchainError:
                            continue  # nobody can make such a value
        case _:
            raise AssertionError(f"no way to change {value!r}")
