"""The words that tests of the marketplace are written in: profiles, what they advertise and show, clicks, months."""

import itertools
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from psycopg import sql

from tests.support import domain
from tests.support.domain import Connection, Money, Row, one, rows, run

OSLO = ZoneInfo("Europe/Oslo")
_numbers = itertools.count(1)


def at(*parts: int, fold: int = 0) -> datetime:
    """A moment by local time; fold 1 is the second time an hour comes."""
    return datetime(*parts, tzinfo=OSLO, fold=fold)  # type: ignore[misc,arg-type]


def call(db: Connection, function: str, /, **arguments: object) -> list[Row]:
    """Calls a function of schema marketplace."""
    return domain.call_in(db, "marketplace", function, **arguments)


def without(function: str, condition: str, instead: str) -> str:
    """A statement that makes this function of the marketplace anew, without a condition of it."""
    return f"""
        do $$
        declare
            v_is text := pg_get_functiondef('marketplace.{function}'::regprocedure);
        begin
            if position('{condition}' in v_is) = 0 then
                raise exception 'it has no such condition';
            end if;
            execute replace(v_is, '{condition}', '{instead}');
        end
        $$
    """


def profile(db: Connection) -> int:
    query = "insert into marketplace.profile (profile_name) values (%s) returning profile"
    return int(one(db, query, f"Profile {next(_numbers)}"))


def advertisement(db: Connection, owner: int, price: Money | str | None = 1, since: datetime | None = None) -> int:
    """An advertisement; without a price if that is None."""
    query = (
        "insert into marketplace.advertisement (profile, advertisement_name) values (%s, %s) returning advertisement"
    )
    found = int(one(db, query, owner, f"Advertisement {next(_numbers)}"))
    if price is not None:
        set_price(db, found, price, since or at(2000, 1, 1))
    return found


def set_price(db: Connection, advertised: int, price: Money | str, since: datetime) -> None:
    run(db, "insert into marketplace.advertisement_price values (%s, %s, %s)", advertised, since, Decimal(price))


def website(db: Connection, owner: int) -> int:
    query = "insert into marketplace.website (profile, website_name) values (%s, %s) returning website"
    return int(one(db, query, owner, f"site{next(_numbers)}.no"))


def set_rate(db: Connection, rate: Money | str, since: date = date(2000, 1, 1)) -> None:
    run(
        db,
        "insert into marketplace.commission_rate values (%s, %s)"
        " on conflict (valid_from) do update set rate = excluded.rate",
        since,
        Decimal(rate),
    )


def set_minimum(db: Connection, charge: Money | str, payout: Money | str, since: date = date(2000, 1, 1)) -> None:
    for direction, amount in (("CHARGE", charge), ("PAYOUT", payout)):
        run(
            db,
            "insert into marketplace.minimum_amount values (%s, %s, %s)"
            " on conflict (direction, valid_from) do update set amount = excluded.amount",
            direction,
            since,
            Decimal(amount),
        )


def clicks(
    db: Connection,
    advertised: int,
    site: int | None,
    *times: datetime,
    source: str | None = None,
) -> list[Row]:
    """Records a click at each of these times; the clicks, in order."""
    before = one(db, "select coalesce(max(ad_click), 0) from marketplace.ad_click")
    recorded = one(
        db,
        "select marketplace.record_clicks(%s, %s::bigint[], %s, %s)",
        [advertised] * len(times),
        [site] * len(times),
        list(times),
        source,
    )
    assert recorded == len(times)
    return rows(db, "select * from marketplace.ad_click where ad_click > %s order by ad_click", before)


def lie_in(db: Connection) -> list[str]:
    """The partitions that have clicks, each asked by its name: on a cluster, what a click says of it is its shard."""
    query = """
        select c.relname from pg_partition_tree('marketplace.ad_click') as t
        inner join pg_class as c on t.relid = c.oid where t.isleaf order by c.relname
    """
    has_any = sql.SQL("select exists (select 1 from marketplace.{})")
    return [n["relname"] for n in rows(db, query) if one(db, has_any.format(sql.Identifier(n["relname"])))]


def raw_click(db: Connection, advertised: int, site: int | None, time: datetime) -> Row:
    """A click as legacy web code inserts it: the database fills in what it costs."""
    query = """
        insert into marketplace.ad_click (profile, click_time, advertisement, website)
        select a.profile, %s, a.advertisement, %s from marketplace.advertisement as a where a.advertisement = %s
        returning *
    """
    return rows(db, query, time, site, advertised)[0]


def exclude(db: Connection, chosen: Sequence[Row], reason: str = "a robot", now: datetime | None = None) -> int:
    answer = call(
        db,
        "exclude_clicks",
        profiles=[row["profile"] for row in chosen],
        click_times=[row["click_time"] for row in chosen],
        ad_clicks=[row["ad_click"] for row in chosen],
        reason=reason,
        now=now or datetime.now(OSLO),
    )
    return int(answer[0]["exclude_clicks"])


def adjust(db: Connection, click: Row, reason: str = "charged back", now: datetime | None = None) -> list[Row]:
    return call(
        db,
        "adjust_click",
        profile=click["profile"],
        click_time=click["click_time"],
        ad_click=click["ad_click"],
        reason=reason,
        now=now or datetime.now(OSLO),
    )


def partitions(db: Connection, since: date, months: int) -> None:
    call(db, "ensure_partitions", **{"from": since, "months": months})


def update(db: Connection, month: date | None, now: datetime | None) -> Row:
    return call(db, "update_transactions", month=month, now=now)[0]


def close(db: Connection, month: date, now: datetime | None = None) -> dict[str, int]:
    """Closes a month, a minute after its end by default; how many transactions of each status."""
    moment = now or day(next_month(month), minute=1)
    return {row["status"]: row["transactions"] for row in call(db, "close_month", month=month, now=moment)}


def next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def day(when: date, hour: int = 0, minute: int = 0) -> datetime:
    return at(when.year, when.month, when.day, hour, minute)


def transaction(db: Connection, owner: int, month: date) -> Row:
    found = rows(
        db,
        "select * from marketplace.transaction where profile = %s and month = %s and kind = 'MONTHLY'",
        owner,
        month,
    )
    assert len(found) == 1, f"{len(found)} transactions of profile {owner} in {month}"
    return found[0]


def amounts(db: Connection, owner: int, month: date) -> tuple[str, str, str]:
    """Status, and what it says for advertisements and for websites, without trailing zeros."""
    row = transaction(db, owner, month)
    return row["status"], short(row["advertisement_amount"]), short(row["website_amount"])


def short(amount: Decimal) -> str:
    return f"{amount.normalize():f}" if amount else "0"


def errors(db: Connection, month: date) -> list[str]:
    """What verification finds wrong."""
    return [row["problem"] for row in call(db, "verify_month", month=month) if row["severity"] == "ERROR"]


def notes(db: Connection, month: date) -> list[str]:
    """What verification finds worth knowing."""
    return [row["problem"] for row in call(db, "verify_month", month=month) if row["severity"] == "INFO"]
