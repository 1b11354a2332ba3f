"""The names of the members of annotated types: those that a key may be, and those that an error may be told with."""

from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from types import MappingProxyType, NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, RootModel, TypeAdapter

from handlers.message import Message


def members(annotation: Any) -> frozenset[tuple[str, ...]] | None:
    """The members of an object of JSON that is made into this, each by the names that it may have there; None where it may have
    any member.

    None of what is inside of them, and those of a list, which has no members, are none: a key is looked for nowhere else.
    """
    annotation = getattr(annotation, "__value__", annotation)
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (Annotated, Union, UnionType):
        some = [each for each in (inner[:1] if origin is Annotated else inner) if each is not NoneType]
        found = [members(each) for each in some]
        return None if None in found else frozenset[tuple[str, ...]]().union(*filter(None, found))
    if origin in (list, tuple) or annotation in (list, tuple):
        return frozenset()
    if names := getattr(annotation, "_fields", None) if _is_tuple(annotation) else None:
        return frozenset((name,) for name in names)
    if is_model(annotation) and issubclass(annotation, RootModel):
        return members(annotation.model_fields["root"].annotation)
    known = is_model(annotation) or is_dataclass(annotation)
    if not (known or hasattr(annotation, "__total__")) or annotation is Message:  # a TypedDict's, whoever's that is
        return None
    return frozenset(_outermost(TypeAdapter(annotation).core_schema))


def declared(annotation: Any) -> frozenset[str]:
    """The names that the annotated types have chosen: their own, their members' and what these are called in JSON."""
    return frozenset(_names(TypeAdapter(annotation).core_schema))


def _names(schema: Any) -> Iterator[str]:
    """The names in a schema of pydantic's."""
    if isinstance(schema, dict):
        kind = schema.get("type")
        if kind in ("model-fields", "typed-dict"):
            yield from schema["fields"]
        elif kind == "dataclass-field":
            yield schema["name"]
        elif kind in ("model", "dataclass"):
            yield schema["cls"].__name__
        yield from _texts(schema.get("validation_alias"))
    if isinstance(schema, dict | list | tuple):
        for each in schema.values() if isinstance(schema, dict) else schema:
            yield from _names(each)


def _outermost(
    schema: Any, refs: Mapping[str, Any] = MappingProxyType({}), *, by_name: bool = False
) -> Iterator[tuple[str, ...]]:
    """The names in JSON of each member of a schema of pydantic's, in its order, not of what is inside of them."""
    config = schema.get("config") or {}
    by_name = by_name or config.get("validate_by_name") or config.get("populate_by_name") or False
    refs = {**refs, **{each["ref"]: each for each in schema.get("definitions", ())}}
    inner = refs.get(schema["schema_ref"]) if "schema_ref" in schema else schema.get("schema")
    if inner:
        yield from _outermost(inner, refs, by_name=by_name)
        return
    fields = schema.get("fields", {})
    for name, one in fields.items() if isinstance(fields, dict) else ((one["name"], one) for one in fields):
        alias = one.get("validation_alias")
        paths = [] if alias is None else _paths(alias)
        names = [str(path[0]) for path in paths if len(path) == 1]
        if alias is None or by_name:
            names.append(name)
        if names:
            yield tuple(names)
        yield from ((str(path[0]),) for path in paths if len(path) > 1)  # the object that it is in


def _paths(alias: Any) -> list[list[str | int]]:
    """Where an alias has a member looked for, one way or several."""
    if not isinstance(alias, list):
        return [[alias]]
    return alias if isinstance(alias[0], list) else [alias]


def _texts(alias: Any) -> Iterator[str]:
    """The names in an alias: one, or paths of such."""
    if isinstance(alias, str):
        yield alias
    elif isinstance(alias, list):
        for each in alias:
            yield from _texts(each)


def _is_tuple(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, tuple)


def is_model(annotation: Any) -> bool:
    """Whether it is one of pydantic's models."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
