"""Calls that no sane client makes: every function that a role may call, with values that are odd for their types."""

import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from pybridge.deploy.catalogue import SCHEMAS
from pybridge.paths import DB
from tests.support import domain
from tests.support.domain import Connection, rows, run
from tests.support.house import House

ERRORS = Path(__file__).resolve().parents[2] / "docs" / "errors.md"
# One-line helpers that a query has put into itself: there, absurd numbers and dates are PostgreSQL's own errors.
ARITHMETIC = {"0A000", "22003", "22008", "22012"}
TEXTS = (
    *(
        "",
        " ",
        "   ",
        "\u00a0",
        "\u200b",
        "kari ",
        "kari\n",
        " kari",
        "Kari",
        "\u202ekari",
        "\ufeff",
        "a\tb",
        "é",
        "{",
        "%s %",
        "'",
    ),
    *("x" * 501, "x" * 9000, "NaN", "0", "-1", "null", "\\", "\U000e0041", "kari\u00a0nordmann", "2026-13", "2026-02"),
)
INTS = ("0", "-1", "1", "2", "7", "2147483647", "-2147483648")
BIGINTS = (*INTS, "4611686018427387904", "9223372036854775807", "-9223372036854775808", "9007199254740993")
NUMERICS = (
    "0",
    "-1",
    "0.005",
    "1e30",
    "1e1000",
    "NaN",
    "Infinity",
    "-Infinity",
    "100",
    "0.01",
    "99999999999",
    "1e-20",
    "500.00",
)
DATES = (
    *("infinity", "-infinity", "5874897-12-31", "4713-01-01 BC", "1999-12-31", "2101-01-01", "2026-02-28", "today"),
    *("2000-01-01", "2100-12-31", "2031-05-01", "2031-06-01", "0001-01-01"),
)
MOMENTS = (
    *("infinity", "-infinity", "294276-12-31 23:59:59+00", "4713-01-01 00:00+00 BC", "1999-12-31 22:59+00", "now"),
    *("2101-01-01 01:00+00", "2031-05-01 08:00+02", "2000-01-01 00:00+01"),
)
DOCUMENTS = (
    *(
        "null",
        "1",
        '"x"',
        "[]",
        "{}",
        "[null]",
        "[[]]",
        "[1]",
        '[{"a": 1}]',
        '{"a": {"b": []}}',
        '[{"event": null}]',
        "[{}]",
    ),
    *(
        '[{"event_name": "x"}]',
        '[{"project": "1e400"}]',
        '[{"id": "x", "kind": "CHARGE", "amount": 1e400}]',
        '{"a": "\\u200b"}',
    ),
)
OF_TYPE: dict[str, tuple[str, ...]] = {
    "text": TEXTS,
    "integer": INTS,
    "smallint": ("0", "-1", "1", "3", "6", "32767", "-32768"),
    "bigint": BIGINTS,
    "numeric": NUMERICS,
    "double precision": ("0", "NaN", "Infinity", "1e300", "-1"),
    "boolean": ("true", "false"),
    "date": DATES,
    "timestamp with time zone": MOMENTS,
    "timestamp without time zone": ("infinity", "-infinity", "294276-12-31 23:59:59", "4713-01-01 BC", "now"),
    "time without time zone": ("00:00", "24:00", "12:30"),
    "interval": ("0", "-1 day", "100000000 years", "1 month"),
    "jsonb": DOCUMENTS,
    "bytea": ("", "\\x00", "\\x" + "ab" * 32, "\\x" + "cd" * 32),
    "xid8": ("0", "1", "18446744073709551615"),
}


# Of names that have two types: a method's key, not its name; months that are days, not how many.
KEYED: dict[str, Callable[[str], bool]] = {"smallint": str.isdigit, "date": lambda value: "-" in value}


@dataclass(frozen=True)
class Parameter:
    name: str
    type: str
    has_default: bool


@dataclass(frozen=True)
class Function:
    name: str
    parameters: tuple[Parameter, ...]
    is_helper: bool  # of SQL, with its caller's rights: a query has put it into itself


@dataclass(frozen=True)
class Outcome:
    role: str
    call: str
    sqlstate: str | None
    said: str
    has_written: bool  # a transaction that is no longer open wrote something, and stays


def documented() -> set[str]:
    """The SQLSTATEs that docs/errors.md promises."""
    found = set(re.findall(r"^\| (\w{5}) \| `", ERRORS.read_text("utf-8"), re.MULTILINE))
    assert len(found) > 60
    return found | {"23503"}  # passed on as it is, it says


def functions(db: Connection, role: str) -> list[Function]:
    """What the role may call by its own rights, in all schemas; not what is internal, though views call that for it."""
    called = [f"{path.parts[-2]}.{path.stem}" for path in (DB / "functions").glob("*/*.sql")]
    query = """
        select
            p.oid::regproc::text as name, l.lanname = 'sql' and not p.prosecdef as is_helper,
            coalesce(p.proargnames, '{}') as names, p.pronargs as count, p.pronargdefaults as defaults,
            array(
                select format_type(t, null)
                from unnest(p.proargtypes) with ordinality as u (t, place)
                order by u.place
            ) as types
        from pg_proc as p
        inner join pg_language as l on p.prolang = l.oid
        where p.pronamespace::regnamespace::text = any (%s) and p.prorettype <> 'trigger'::regtype
            and p.oid::regproc::text = any (%s) and has_function_privilege(%s, p.oid, 'EXECUTE')
            and has_schema_privilege(%s, p.pronamespace, 'USAGE')
        order by 1
    """
    return [
        Function(
            row["name"],
            tuple(
                Parameter(name, kind, number >= row["count"] - row["defaults"])
                for number, (name, kind) in enumerate(zip(row["names"], row["types"], strict=False))
            ),
            row["is_helper"],
        )
        for row in rows(db, query, list(SCHEMAS), called, role, role)
    ]


GROUPS: dict[str, tuple[str, ...]] = {
    "fuzz_seller": ("billig_seller",),
    "fuzz_service": ("billig_seller", "billig_web", "billig_legacy"),
    "fuzz_web": ("billig_web",),
    "fuzz_dev": ("billig_dev",),
    "fuzz_site": ("marketplace_web",),
    "fuzz_profile": ("marketplace_profile",),
    "fuzz_bookkeeper": ("bookkeeper",),
    "fuzz_scheduler": ("scheduler",),
    "fuzz_auditor": ("auditor",),
    "fuzz_analyst": ("analyst",),
}


class World:
    """A house with something of everything, roles of every group, and what a sensible call would name."""

    def __init__(self, db: Connection, folder: Path) -> None:
        self.db = db
        self.house = House(db, folder)
        domain.make_cash_point(db, 2)
        run(db, "insert into billig.service_role (role_name, service_note) values ('fuzz_service', 'the fuzz''s')")
        run(db, "update marketplace.profile set login_role = 'fuzz_profile' where profile = %s", self.house.advertiser)
        self.functions = {role: functions(db, role) for role in GROUPS}
        info = db.info
        self.connections: dict[str, Connection] = {
            role: psycopg.connect(host=info.host, port=info.port, dbname=info.dbname, user=role, autocommit=True)
            for role in GROUPS
        }
        self.pools = self._pools()

    def close(self) -> None:
        for connection in self.connections.values():
            connection.close()

    def _pools(self) -> dict[str, list[str]]:
        def of(query: Any) -> list[str]:
            return [str(row["x"]) for row in rows(self.db, query)]

        tickets = of("select ticket as x from billig.ticket order by 1 desc limit 60")
        price_groups = of("select price_group as x from billig.price_group")
        transactions = of("select transaction as x from marketplace.transaction order by 1 desc limit 40")
        day = domain.one(self.db, "select billig.local_time()::date")
        days = [str(day + timedelta(days=n)) for n in (-40, -1, 0, 1)]
        return {
            "tickets": tickets,
            "old_tickets": tickets,
            "price_group": price_groups,
            "price_groups": price_groups,
            "counts": ["1", "2", "1"],
            "denominations": ["1", "5", "10", "100", "1000"],
            "pieces": ["0", "1", "3"],
            "purchase": of("select purchase as x from billig.purchase order by 1 desc limit 30"),
            "payment": of("select payment as x from billig.payment order by 1 desc limit 30"),
            "seller": ["fuzz_seller", "fuzz_service", "kari", "KARI", "ola", "Fuzz_Seller"],
            "cash_point": ["1", "2", "404"],
            "payment_methods": ["CASH", "CARD", "VIPPS", "INVOICE", "NET_CARD", "ROUNDING"],
            "payment_method": ["CASH", "CARD", "NET_CARD", "VIPPS"],
            "sale_channel": ["STAND", "NET", "RESERVATION"],
            "event_type": ["PAY_IN", "PAY_OUT", "OVERDRAW", "DRAWER_OPENING", "PRICE_LOOKUP", "CORRECTED_LINE"],
            "event": of("select event as x from billig.event"),
            "organisation": ["1", "2"],
            "vat_code": ["3", "6", "31", "33"],
            "profile": of("select profile as x from marketplace.profile"),
            "profiles": of("select profile as x from marketplace.profile"),
            "advertisements": of("select advertisement as x from marketplace.advertisement"),
            "websites": of("select website as x from marketplace.website"),
            "ad_click": of("select ad_click as x from marketplace.ad_click limit 20"),
            "ad_clicks": of("select ad_click as x from marketplace.ad_click limit 20"),
            "click_time": of("select click_time as x from marketplace.ad_click limit 20"),
            "click_times": of("select click_time as x from marketplace.ad_click limit 20"),
            "transaction": transactions,
            "payment_attempt": of("select payment_attempt as x from marketplace.payment_attempt limit 20") or ["1"],
            "month": ["2031-05-01", "2031-06-01", "2031-07-01"],
            "from": ["2031-05-01", *days],
            "to": ["2031-06-01", *days],
            "until": ["2031-06-01", *days],
            "gateway": ["stripe", "bank"],
            "kind": ["CHARGE", "PAYOUT", "REFUND"],
            "side": ["ADVERTISEMENT", "WEBSITE"],
            "step": ["hour", "day", "week", "month"],
            "answer": [
                "succeeded",
                "processing",
                "declined",
                "rejected",
                "no_answer",
                "returned",
                "reinstated",
                "disputed",
            ],
            "job": of("select job as x from jobs.job"),
            "outcome": ["succeeded", "failed", "partial", "skipped"],
            "job_run": of("select job_run as x from jobs.job_run order by 1 desc limit 20"),
            "entry": of("select entry as x from bank.entry limit 20"),
            "entries": of("select entry as x from bank.entry limit 20"),
            "expected": of("select expected as x from bank.expected limit 20"),
            "kinds": ["FEE", "ROUNDING", "WRITE_OFF", "DIFFERENCE", "NOT_OURS"],
            "match": of("select match as x from bank.match order by 1 desc limit 20") or ["1"],
            "account": [*of("select account as x from bank.account"), "1900", "3020"],
            "source": ["SESSION", "DAY", "PAYMENT", "ATTEMPT", "clicks.csv"],
            "line_kind": of("select line_kind as x from books.voucher_line_kind"),
            "currency": ["NOK", "EUR"],
            "reason": ["because", "a robot"],
            "request_id": [f"id-{n}" for n in range(9)],
            "amount": ["1", "50", "100", "-50"],
            "payment_amounts": ["100", "50", "410", "310"],
            "amounts": ["10", "5"],
            "kept": ["0", "10"],
            "purse": ["main"],
            "opening_float": ["0", "500"],
            "drawer": ["1", "2"],
            "limit": ["1", "10"],
            "months": ["1", "2", "500", "2147483647"],
            "valid_from": days,
            "name": ["Somebody", "Bar"],
        }


class Fuzz:
    """Random calls in a world, the same for the same seed."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.pick = random.Random(seed)
        self.next, _ = look(world.db)
        self.calls = [(role, f) for role, found in world.functions.items() for f in found]

    def value(self, name: str, kind: str) -> str | None:
        """A value in PostgreSQL's text form: a sensible one, or an odd one of the type."""
        pick = self.pick
        pool = self.world.pools.get(name.removeprefix("p_"))
        if kind.endswith("[]"):
            return self._array(name, kind.removesuffix("[]"))
        if pick.random() < 0.06:
            return None
        if pool and pick.random() < 0.8 and (kind not in KEYED or KEYED[kind](pool[0])):
            return pick.choice(pool)
        return pick.choice(OF_TYPE[kind]) if kind in OF_TYPE else None

    def _array(self, name: str, kind: str) -> str | None:
        pick = self.pick
        shape = pick.random()
        if shape < 0.05:
            return None
        chosen = [self.value(name, kind) for _ in range(pick.choice((0, 1, 1, 1, 2, 2, 3)))]
        if pick.random() < 0.1 and chosen:
            chosen = [chosen[0]] * 3
        quoted = ["null" if x is None else '"' + re.sub(r'(["\\])', r"\\\1", x) + '"' for x in chosen]
        if quoted and shape > 0.9:
            return self._bounded(quoted)
        if quoted and shape > 0.85:
            return "{{" + ",".join(quoted) + "},{" + ",".join(quoted) + "}}"
        return "{" + ",".join(quoted) + "}"

    def _bounded(self, quoted: list[str]) -> str:
        low = self.pick.choice((0, -5, 2))
        return f"[{low}:{low + len(quoted) - 1}]={{{','.join(quoted)}}}"

    def one(self) -> Outcome:
        """Makes a call, in a transaction of its own, as a role of its own."""
        role, function = self.pick.choice(self.calls)
        arguments = {
            p.name: (self.value(p.name, p.type), p.type)
            for p in function.parameters
            if not p.has_default or self.pick.random() < (0.05 if p.name == "p_now" else 0.5)
        }
        call, sqlstate, said = made(self.world.connections[role], function.name, arguments)
        self.next, has_written = look(self.world.db, self.next)
        return Outcome(role, call, sqlstate, said, has_written)


def made(
    connection: Connection, function: str, arguments: dict[str, tuple[str | None, str]]
) -> tuple[str, str | None, str]:
    """Makes one call on a role's connection: the call, its SQLSTATE if it was refused, and what was said."""
    call = sql.SQL("select * from {}({})").format(
        sql.SQL(function),
        sql.SQL(", ").join(
            sql.SQL("{} => {}::{}").format(sql.Identifier(name), sql.Literal(value), sql.SQL(kind))
            for name, (value, kind) in arguments.items()
        ),
    )
    try:
        connection.execute(call)
    except psycopg.Error as error:
        diag = error.diag
        return (
            call.as_string(connection),
            error.sqlstate,
            f"{diag.message_primary} / {diag.message_detail} / {diag.context}",
        )
    return call.as_string(connection), None, ""


def look(db: Connection, since: int = 0) -> tuple[int, bool]:
    """The transaction to come, and whether one that began since has committed: nothing else changes a table."""
    query = """
        select n.next, exists (
            select from generate_series(nullif(%s::bigint, 0), n.next - 1) as x
            where pg_xact_status(x::text::xid8) = 'committed'
        ) as has_written
        from (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint as next) as n
    """
    (found,) = rows(db, query, since)
    return found["next"], found["has_written"]


@contextmanager
def roles(db: Connection) -> Iterator[None]:
    """A login role of each group, for a while: roles are the whole server's."""
    drop = sql.SQL("drop role if exists {}")
    for role, groups in GROUPS.items():
        db.execute(drop.format(sql.Identifier(role)))
        db.execute(sql.SQL("create role {} login").format(sql.Identifier(role)))
        for group in groups:
            db.execute(sql.SQL("grant {} to {}").format(sql.Identifier(group), sql.Identifier(role)))
    try:
        yield
    finally:
        for role in GROUPS:
            db.execute(sql.SQL("drop owned by {}").format(sql.Identifier(role)))
            db.execute(drop.format(sql.Identifier(role)))


def unlike(outcome: Outcome, function_is_helper: bool, promised: set[str]) -> bool:
    """Whether an outcome is none that docs/errors.md promises."""
    if outcome.sqlstate is None:
        return False
    if function_is_helper and outcome.sqlstate in ARITHMETIC:
        return False
    return outcome.sqlstate not in promised or outcome.has_written or "Failing row" in outcome.said


__all__ = ["Fuzz", "Outcome", "World", "documented", "look", "made", "roles", "unlike"]
