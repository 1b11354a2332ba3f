"""From the raw structure of an accounts file to checked accounts, or to every fault in it."""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, TypeVar

from pydantic import ConfigDict, SecretStr, ValidationError

from tasks.accounts import topics
from tasks.accounts.explaining import explain, is_secret
from tasks.accounts.faults import AccountsError, Fault, Place, dotted, kind, listed, meant, nearest, shown
from tasks.accounts.fields import is_here
from tasks.accounts.fingerprint import app_of
from tasks.accounts.models import (
    ACCOUNTS,
    GATEWAYS,
    Account,
    Accounts,
    Frozen,
    Gateway,
    GatewayBase,
    QianmiGateway,
    TaobaoAccount,
    TaobaoGateway,
    VvtoolGateway,
)
from tasks.accounts.pieces import Piece
from tasks.accounts.reuse import Kept, Reuse, stamp
from tasks.accounts.secrets import Secrets, Unresolved, is_reference
from tasks.accounts.slips import dotted_name, in_quotes

SECTIONS = ("gateways", "accounts")

Table = dict[str, Any]
Written = Mapping[str, Any] | Piece
M = TypeVar("M", bound=Frozen)


class _AnyAccount(Account):
    """What can be said of an account whose platform is not known."""

    model_config = ConfigDict(extra="ignore")


class _AnyGateway(GatewayBase):
    """What can be said of a gateway whose platform is not known."""

    model_config = ConfigDict(extra="ignore")

    default_url = TaobaoGateway.default_url

    platform: str = ""


_X = SecretStr("x")
STAND_INS: dict[str, Gateway] = {
    "qianmi": QianmiGateway(name="x", app_key="x", app_secret=_X),
    "taobao": TaobaoGateway(name="x", app_key="x", app_secret=_X),
    "vvtool": VvtoolGateway(name="x", token=_X),
}
"""In the place of a faulty gateway, so that the rest of its accounts can be checked."""

REFERENCES: dict[type[Frozen], frozenset[str]] = {
    model: frozenset(name for name, field in model.model_fields.items() if is_secret(field))
    for model in (*GATEWAYS.values(), *ACCOUNTS.values())
}
"""The fields of each model that may say env:NAME or file:PATH."""

ANY: dict[type[Frozen], frozenset[str]] = {
    of_any: frozenset(chain.from_iterable(model.model_fields for model in family)) - {"name"}
    for of_any, family in ((_AnyGateway, GATEWAYS.values()), (_AnyAccount, ACCOUNTS.values()))
}
"""The fields that there are on some platform, where nobody knows on which."""
REFERENCES |= {model: fields & frozenset(chain.from_iterable(REFERENCES.values())) for model, fields in ANY.items()}


def check(
    raw: object, secrets: Secrets, source: str, *, literals_are_fine: bool = False, reuse: Reuse | None = None
) -> Accounts:
    """The accounts that the structure describes. Raises `AccountsError` with every fault at once.

    Accounts written as they were at the last check with the same `reuse` are the same objects as then. Raises `Uncut` where
    the structure has pieces that cannot be read.
    """
    reuse = Reuse() if reuse is None else reuse
    checker = _Checker(secrets, reuse, literals_are_fine)
    gateways, accounts = checker.everything(raw, source)
    if checker.faults:
        raise AccountsError(checker.faults, source)
    reuse.kept, reuse.gateways = checker.kept, gateways
    warnings = (
        *map(_literal, checker.literals),
        *_same_apps(gateways),
        *_twins(accounts),
        *topics.advice(accounts),
    )
    return Accounts(gateways, accounts, warnings, tuple(_fine(checker.fine)))


def _literal(path: Place) -> str:
    return f"{dotted(path)}: the secret stands in the file itself; env:NAME or file:PATH keeps it out"


def _fine(paths: list[Place]) -> Iterator[str]:
    if paths:
        where = listed(map(dotted, paths), "and")
        yield f"secrets stand in the file itself, which is fine for a sandbox on this machine: {where}"


def _same_apps(gateways: Mapping[str, Gateway]) -> Iterator[str]:
    """Gateways that lead to the same app: its platform counts the calls of all of them."""
    seen: dict[object, str] = {}
    for name, gateway in gateways.items():
        first = seen.setdefault(app_of(gateway), name)
        if first != name:
            yield (
                f"{dotted(('gateways', name))}: it is the same app as {dotted(('gateways', first))}: "
                "each keeps to its own limits, and both together may exceed the app's"
            )


def _twins(accounts: Mapping[str, Account]) -> Iterator[str]:
    """Accounts that pull the same messages: they take them from each other, and each call is paid for."""
    seen: dict[object, str] = {}
    apps: dict[str, object] = {}
    for name, account in accounts.items():
        fields, its = vars(account), account.gateway
        app = apps.get(its.name) or apps.setdefault(its.name, app_of(its))
        queue = (app, fields.get("group"), fields.get("shop_id"), fields.get("topic"))
        first = seen.setdefault(queue, name)
        if first != name:
            yield f"{dotted(('accounts', name))}: it pulls the same messages as {dotted(('accounts', first))}"


def _stays_here(table: Table) -> bool:
    """Whether the secrets of a gateway's or account's table are sent to this machine alone."""
    gateway = table.get("gateway")
    url = gateway.url if isinstance(gateway, GatewayBase) else table.get("url")
    return isinstance(url, str) and is_here(url)


def _dots(path: Place, table: Table, key: str) -> str:
    """`; ` and how a name with dots is to be written, where the table looks like the first part of one; else ""."""
    section, name = str(path[0]), str(path[1])
    found = dotted_name(name, table, key, frozenset(TaobaoAccount.model_fields))
    return f"; {in_quotes(section, found)}" if found else ""


class _Checker:
    """Goes through the structure once and gathers faults instead of stopping at the first."""

    def __init__(self, secrets: Secrets, reuse: Reuse, literals_are_fine: bool) -> None:
        self.faults: list[Fault] = []
        self.literals: list[Place] = []
        self.fine: list[Place] = []
        """Literals that only a sandbox on this machine is sent."""
        self.kept: dict[str, Kept] = {}
        self._secrets = secrets
        self._reuse = reuse
        self._literals_are_fine = literals_are_fine

    def everything(self, raw: object, source: str) -> tuple[dict[str, Gateway], dict[str, Account]]:
        if not isinstance(raw, Mapping):
            self.faults.append(Fault(source, "expected a table with `gateways` and `accounts`", kind(raw)))
            return {}, {}
        for key in raw:
            if key not in SECTIONS:
                self._fault((key,), f"no such key{nearest(key, SECTIONS)}; there are gateways and accounts")
        gateways = dict(self._gateways(self._tables(raw, "gateways")))
        accounts = dict(self._accounts(self._tables(raw, "accounts"), gateways))
        return {name: gateway for name, gateway in gateways.items() if gateway}, accounts

    def _gateways(self, tables: Mapping[str, Table]) -> Iterator[tuple[str, Gateway | None]]:
        """Each gateway; something stands in for a faulty one, and None where nobody can tell which platform is meant."""
        for name, written in tables.items():
            path: Place = ("gateways", name)
            table = dict(written)
            platform = table.pop("platform", None)
            model = GATEWAYS.get(platform) if isinstance(platform, str) else None
            if model is None:
                said = shown(platform) if platform is not None else ""
                dots = _dots(path, table, "platform") if platform is None else ""
                self._fault(
                    (*path, "platform"), f"expected {listed(GATEWAYS)}{nearest(platform, GATEWAYS)}{dots}", said
                )
                likely = meant(platform, GATEWAYS)
                if not dots:
                    self._built(GATEWAYS.get(likely, _AnyGateway), path, table)
                yield name, STAND_INS.get(likely)
            else:
                built = self._built(model, path, table)
                yield name, self._reuse.gateway(built) if built else STAND_INS[str(platform)]

    def _accounts(
        self, tables: Mapping[str, Written], gateways: Mapping[str, Gateway | None]
    ) -> Iterator[tuple[str, Account]]:
        for name, written in tables.items():
            kept = self._reuse.find(name, written, gateways, self._secrets)
            if kept:
                self.kept[name] = kept
                yield name, kept.account
            elif account := self._account(name, written, gateways):
                yield name, account

    def _account(self, name: str, written: Written, gateways: Mapping[str, Gateway | None]) -> Account | None:
        """The account, or None and its faults. One with a literal secret is not kept for the next check: it is told each time."""
        path: Place = ("accounts", name)
        table = written.table() if isinstance(written, Piece) else dict(written)
        wanted = table.pop("gateway", None)
        gateway = gateways.get(wanted) if isinstance(wanted, str) else None
        if not isinstance(wanted, str) or wanted not in gateways:
            known = f"expected the name of a gateway: {listed(gateways) or 'there is none yet'}"
            said = shown(wanted) if wanted is not None else ""
            dots = _dots(path, table, "gateway") if wanted is None else ""
            self._fault((*path, "gateway"), known + nearest(wanted, gateways) + dots, said)
            if dots:
                return None
        model = ACCOUNTS[gateway.platform] if gateway else _AnyAccount
        references = tuple(filter(is_reference, map(table.get, sorted(REFERENCES[model] & table.keys()))))
        literals = len(self.literals) + len(self.fine)
        account = self._built(model, path, {**table, "gateway": gateway or STAND_INS["taobao"]})
        if account:
            account = self._reuse.account(account)
            number = stamp(written, map(self._secrets.resolve, references))
            if number is not None and len(self.literals) + len(self.fine) == literals:
                self.kept[name] = Kept(account, number, references)
        return account

    def _tables(self, raw: Mapping[object, object], section: str) -> dict[str, Any]:
        """The named tables of a section; whatever is none is a fault."""
        found = raw.get(section)
        if not isinstance(found, Mapping):
            said = kind(found) if section in raw else ""
            self._fault((section,), f"expected tables, as [{section}.NAME]", said)
            return {}
        tables: dict[str, Any] = {}
        for name, table in found.items():
            if isinstance(name, str) and isinstance(table, (Piece, Mapping)):  # the first is quicker to tell
                tables[name] = table
            else:
                self._no_table(section, name, table)
        return tables

    def _no_table(self, section: str, name: object, found: object) -> None:
        self._fault((section, name), f"expected a table under a name of text, as [{section}.NAME]", kind(found))

    def _built(self, model: type[M], path: Place, table: Table) -> M | None:
        """One gateway or account, or None and its faults."""
        if "name" in table:
            self._fault((*path, "name"), "no such key; the name is the table's own")
        for key in sorted(table.keys() - ANY.get(model, table.keys()), key=str):
            self._fault((*path, key), f"no such key{nearest(key, ANY[model])}")
        broken = self._resolve(REFERENCES[model] & table.keys(), path, table)
        try:
            built = model.model_validate({**table, "name": path[-1]})
        except ValidationError as error:
            wrong = [each for each in error.errors(include_url=False) if not broken & set(each["loc"][:1])]
            self.faults += [explain(each, model, path) for each in wrong]
            return None
        return None if broken else built

    def _resolve(self, fields: frozenset[str], path: Place, table: Table) -> set[object]:
        """Put secrets where references to them stand, and return the fields where that failed."""
        broken: set[object] = set()
        for field in sorted(fields):
            written = table[field]
            if not isinstance(written, str):
                continue
            try:
                table[field] = self._secrets.resolve(written)
            except Unresolved as error:
                broken.add(field)
                self._fault((*path, field), str(error))
                continue
            if table[field] is written and not self._literals_are_fine:
                (self.fine if _stays_here(table) else self.literals).append((*path, field))
        return broken

    def _fault(self, path: Place, expected: str, value: str = "") -> None:
        self.faults.append(Fault(dotted(path), expected, value))
