"""What a validation error means to the person who wrote the file."""

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from tasks.accounts.faults import Fault, Place, dotted, listed, nearest, shown
from tasks.accounts.fields import NAME
from tasks.accounts.models import ACCOUNTS, GATEWAYS, Account, GatewayBase

WIRE_NAMES = {"vvtype": "edition", "msg_type": "topic", "group_name": "group", "appKey": "app_key"}
"""What the platforms call a thing, and what it is called here."""

Model = type[BaseModel]

_FAMILIES: tuple[tuple[Mapping[str, Model], Model, str], ...] = (
    (GATEWAYS, GatewayBase, "gateways"),
    (ACCOUNTS, Account, "accounts"),
)


def explain(error: ErrorDetails, model: Model, path: Place) -> Fault:
    """The fault behind one error of `model`, whose table stands at `path`. A secret's value is never in it."""
    place = error["loc"]
    if place == ("name",):
        return Fault(dotted(path), f"expected {NAME}")
    if error["type"] == "extra_forbidden":
        return Fault(dotted((*path, *place)), no_such_key(place[-1], _walk(model, place[:-1])[0]))
    field = _walk(model, place)[1]
    expected = f"expected {_wanted(error, field)}"
    if error["type"] == "missing":
        return Fault(dotted((*path, *place)), f"{expected}; it is missing")
    hidden = field is None or is_secret(field) or place in (("url",), ("extra",))
    return Fault(dotted((*path, *place)), expected, "" if hidden else shown(error["input"]))


def no_such_key(key: object, model: Model) -> str:
    """Why the model has no such key: it belongs elsewhere, or is a slip of the pen."""
    known = [name for name in model.model_fields if name != "name"]
    elsewhere = _belonging(key, model) if key != "name" else ""
    wire = WIRE_NAMES.get(str(key))
    hint = f" (did you mean {wire}?)" if wire in known else nearest(key, known)
    return elsewhere or f"no such key{hint}; there are {listed(known, 'and')}"


def is_secret(field: FieldInfo) -> bool:
    """Whether the field's values must never be shown."""
    return SecretStr in _types(field)


def _belonging(key: object, model: Model) -> str:
    """Which gateways or accounts take the key that this gateway or account does not."""
    mine = next((name for family, _, _ in _FAMILIES for name, member in family.items() if member is model), "")
    for family, base, word in _FAMILIES:
        owners = [platform for platform, member in family.items() if key in member.model_fields]
        if owners and mine and model in family.values():
            own = [name for name in model.model_fields if name not in base.model_fields]
            return f"{key} is for {listed(owners, 'and')} {word}; {mine} takes {listed(own, 'and')}"
        if owners and mine:
            return f"{key} is for {word}"
    return ""


def _wanted(error: ErrorDetails, field: FieldInfo | None) -> str:
    """What a check of ours said, else the field's own description."""
    if error["type"] == "value_error" or field is None:
        return str(error.get("ctx", {}).get("error", error["msg"]))
    return field.description or error["msg"]


def _walk(model: Model, place: Place) -> tuple[Model, FieldInfo | None]:
    """The model and the field that an error's location leads to; places in lists stay with their field."""
    field = None
    for step in place:
        if isinstance(step, str) and step in model.model_fields:
            field = model.model_fields[step]
            model = next((t for t in _types(field) if isinstance(t, type) and issubclass(t, BaseModel)), model)
    return model, field


def _types(field: FieldInfo) -> tuple[Any, ...]:
    """The annotation and, one level down, what it is a union of."""
    parts = (field.annotation, *get_args(field.annotation))
    return parts + tuple(inner for part in parts for inner in get_args(part))
