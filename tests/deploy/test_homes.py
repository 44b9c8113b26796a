"""A rule has one home: what a type of log row means, how a row is unfolded, how money is split, the zone.

A second home fails here.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pybridge.formats import OSLO
from pybridge.paths import ROOT
from tests.conftest import Connection
from tests.support.domain import one, rows

DB = ROOT / "db"
TYPE = r"(?:\w+\.)?(?:transaction_type|\w*_type|type)"
NUMBER = r"\(?\s*(?:array\s*\[|'\{)?\s*\d"
# transaction_type = 1, in (1, 2), <> all ('{1,2}'), between 1 and 3, is distinct from 3, 1 = transaction_type;
# case transaction_type when 1
BARE_NUMBER = re.compile(
    rf"\b{TYPE}(?:::\w+)?\s*(?:(?:=|<>|!=|<=|>=|<|>)\s*(?:any|all|some)?\s*|(?:not\s+)?in\s*|(?:not\s+)?between\s+"
    rf"|is\s+(?:not\s+)?distinct\s+from\s+){NUMBER}"
    rf"|\b\d+\s*(?:=|<>|!=)\s*{TYPE}\b"
    rf"|\bcase\s+{TYPE}\s+when\s+\d",
    re.I,
)
# Types that are not the log's, and the one comparison that is none with a type's number.
OTHER_TYPES = re.compile(r"event_type|transaction_type (?:<|>=) 0", re.I)
# The functions that say what a type means, and what the type's table says of each: the only numbers beside the table.
MEANINGS = {
    "is_sale": "kind = 'SALE'",
    "is_refund": "kind = 'REFUND'",
    "is_price_change": "transaction_type_name in ('NORMAL_CHANGE', 'RESERVATION_CHANGE')",
    "is_use": "transaction_type_name = 'TICKET_USED'",
    "is_unuse": "transaction_type_name = 'TICKET_UNUSED'",
    "moves_money": "money <> 'ZERO'",
    "is_vat_change": "transaction_type_name = 'VAT_CHANGE'",
    "is_fee_kept": "transaction_type_name = 'FEE_KEPT'",
    "is_reduction": "transaction_type_name = 'PRICE_REDUCTION'",
    "is_chargeback": "transaction_type_name in ('CHARGEBACK', 'CHARGEBACK_WON')",
    "takes_money": "money in ('IN', 'OUT', 'EITHER') and kind <> 'REFUND'",
    "takes_seat": "seats = 1",
    "frees_seat": "seats = -1",
}
FUNCTION = re.compile(
    r"create or replace function ([\w.]+)\(.*?(?:as \$\$\n(.*?)\n\$\$;|begin atomic\n(.*?)\nend;)", re.S | re.I
)
LONGEST = 120


def files(*folders: Path, suffix: str = "sql") -> Iterator[tuple[str, str]]:
    """Path and text without comments; never none."""
    found = sorted(path for folder in folders for path in folder.rglob(f"*.{suffix}"))
    assert found
    for path in found:
        text = path.read_text("utf-8")
        if suffix == "sql":
            text = re.sub(r"^comment on .*?';$", "", re.sub(r"--[^\n]*", "", text), flags=re.S | re.M)
        yield path.relative_to(ROOT).as_posix(), text


def found_in(pattern: str, *folders: Path) -> set[str]:
    return {path for path, text in files(*folders) if re.search(pattern, text, re.I)}


# --- What a type means ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", MEANINGS)
def test_what_is_asked_of_a_type_is_what_its_table_says(shared_db: Connection, function: str) -> None:
    wrong = rows(
        shared_db,
        f"select transaction_type_name from billig.transaction_type"
        f" where billig.{function}(transaction_type) is distinct from ({MEANINGS[function]})",
    )
    assert wrong == [], f"db/functions/billig/{function}.sql and billig.transaction_type disagree"
    assert one(
        shared_db,
        f"select bool_or(billig.{function}(transaction_type)) and not bool_and(billig.{function}(transaction_type))"
        " from billig.transaction_type",
    )


def test_the_channel_that_a_type_says_is_what_its_table_says(shared_db: Connection) -> None:
    wrong = rows(
        shared_db,
        "select transaction_type_name from billig.transaction_type"
        " where billig.channel_of(transaction_type) is distinct from sale_channel",
    )
    assert wrong == []
    said = "select count(distinct billig.channel_of(transaction_type)) from billig.transaction_type"
    assert one(shared_db, said) == 3


def test_what_the_log_lets_in_is_what_the_table_of_types_says_of_money(shared_db: Connection) -> None:
    check = one(
        shared_db,
        "select pg_get_expr(conbin, conrelid) from pg_constraint where conname = 'transaction_log_money_check'",
    )
    wrong = rows(
        shared_db,
        f"""
        select y.transaction_type_name, a.gross
        from (
            select transaction_type as number, transaction_type_name, money from billig.transaction_type
        ) as y
        cross join (values (-1), (0), (1)) as a (gross)
        cross join lateral (
            select ({check}) as is_let_in
            from (values (
                y.number, a.gross, a.gross, a.gross, a.gross
            )) as l (transaction_type, amount, vat_amount, fee_amount, fee_vat_amount)
        ) as c
        where c.is_let_in is distinct from case y.money
            when 'IN' then a.gross >= 0 when 'OUT' then a.gross <= 0 when 'ZERO' then a.gross = 0 else true
        end
        """,
    )
    assert wrong == []


def test_no_query_compares_a_type_of_the_log_with_a_number() -> None:
    folders = [ROOT / name for name in ("pybridge", "examples", "bench")]
    everywhere = [*files(DB), *files(*folders), *files(*folders, suffix="py")]
    found = [
        f"{path}: {match[0]}"
        for path, text in everywhere
        for match in BARE_NUMBER.finditer(text)
        if not OTHER_TYPES.search(match[0]) and Path(path).stem not in {*MEANINGS, "channel_of"}
    ]
    assert found == [], "ask billig.is_sale, billig.moves_money, ... or compare the type's name"


@pytest.mark.parametrize(
    "text",
    [
        "where l.transaction_type in (1, 6, 8)",
        "where transaction_type = 3",
        "where l.transaction_type <> 3",
        "where 3 = l.transaction_type",
        "where l.transaction_type = any ('{1,2}')",
        "where l.transaction_type = any (array[1, 2])",
        "where l.transaction_type::int not in (4)",
        "case l.transaction_type when 1 then 'STAND' end",
        "l.first_type is distinct from 4",
        "transaction_type between 1 and 3",
    ],
)
def test_the_search_finds_a_number_in_every_spelling(text: str) -> None:
    assert BARE_NUMBER.search(text)


def test_where_the_triggers_of_a_ticket_write_a_types_number_its_name_stands_beside_it(shared_db: Connection) -> None:
    names = {
        row["n"]: row["name"]
        for row in rows(
            shared_db, "select transaction_type as n, transaction_type_name as name from billig.transaction_type"
        )
    }
    written = {}
    for path in sorted((DB / "triggers" / "billig").glob("ticket_log_*.sql")):
        for number, name in re.findall(r"(?:then|else) ([1-9]\d*)(?: -- (\w+))?$", path.read_text("utf-8"), re.M):
            assert names[int(number)] == name, path
            written[int(number)] = name
    assert written == names, "every type is written by somebody"


# --- What a ticket costs ----------------------------------------------------------------------------------------------


AROUND = re.compile(r"\w+\s*[.(\[]\s*|[\"'()\[\]]|,\s*0\b")  # an alias, a function, a bracket, a default
SUM = re.compile(r"price\s*\+\s*\w*fee(?:_amount)?\b|\bfee\s*\+\s*\w*price\b", re.I)
TAKEN = re.compile(r"-\s*(?:\w+\.)?\w*price\s*-\s*(?:\w+\.)?\w*fee\b", re.I)


def price_and_fee(text: str) -> list[str]:
    """Where the two are added: t.price + t.fee, sum(price) + sum(fee), row["price"] + row["fee"], -o.price - o.fee."""
    return SUM.findall(AROUND.sub("", text)) + TAKEN.findall(text)


def test_nobody_adds_the_fee_to_the_price_that_it_is_part_of() -> None:
    folders = [ROOT / name for name in ("pybridge", "examples", "bench", "tests")]
    everywhere = [*files(DB, *folders[2:]), *files(*folders, suffix="py"), *files(ROOT / "docs", suffix="md")]
    found = [
        f"{path}: {found}"
        for path, text in everywhere
        if Path(path).name != Path(__file__).name
        for found in price_and_fee(text)
    ]
    assert found == [], "price is all that the buyer pays"


@pytest.mark.parametrize(
    "text",
    [
        "sum(t.price + t.fee)",
        "coalesce(sum(l.price), 0) + coalesce(sum(l.fee), 0)",
        "fee + price",
        'row["price"] + row["fee"]',
        "each.price + each.fee",
        "-t.price - t.fee",
        "sold.old_price +\n    sold.old_fee",
    ],
)
def test_the_search_finds_that_sum_in_every_spelling(text: str) -> None:
    assert price_and_fee(text)


def test_the_search_lets_the_tickets_part_be() -> None:
    for text in ("t.price - t.fee", "l.amount + l.fee_amount", "-books.vat_of(t.price - t.fee, r)", "price, fee + 1"):
        assert not price_and_fee(text), text


# --- The log's shape ------------------------------------------------------------------------------------------------


def test_the_views_of_the_log_have_its_columns_all_of_them_in_its_order(shared_db: Connection) -> None:
    columns = {
        row["name"]: row["columns"]
        for row in rows(
            shared_db,
            """
            select c.relname as name, array_agg(a.attname::text order by a.attnum) as columns
            from pg_class as c
            inner join pg_attribute as a on c.oid = a.attrelid and a.attnum > 0 and not a.attisdropped
            where c.oid = any ('{billig.transaction_log, billig.posted_log, billig.unrolled_log}'::regclass[])
            group by c.relname
            """,
        )
    }
    log = columns["transaction_log"]
    assert columns["posted_log"] == ["posting_date", "is_late", "is_second_row", *log]
    assert columns["unrolled_log"] == ["posting_date", *log]


def test_a_row_of_the_log_is_unfolded_into_ticket_and_fee_in_one_place() -> None:
    unfolds = r"values[^;]*?\bvat_amount[^;]*?\)\s*,\s*\([^;]*?\bfee_vat_amount"
    assert found_in(unfolds, DB) == set(), "cross join lateral billig.components"
    assert re.search(unfolds, "values ('TICKET', l.vat_amount), ('FEE', l.fee_vat_amount)")


# --- Money ----------------------------------------------------------------------------------------------------------


def test_money_is_split_to_the_ore_in_one_place() -> None:
    # a share of something, rounded: amount * part / whole
    assert found_in(r"round\((?:[^();]|\([^();]*\))*\*(?:[^();]|\([^();]*\))*/", DB) == {
        "db/functions/books/share_of.sql",
        "db/functions/books/vat_of.sql",
    }


def test_cash_is_rounded_in_one_place() -> None:
    to_kroner = r"(?<![\w.])round\((?:[^(),;]|\([^();]*\))*\)"
    assert found_in(to_kroner, DB / "functions" / "billig", DB / "views", DB / "triggers") == {
        "db/functions/billig/round_cash.sql"
    }


def test_tickets_and_purchases_are_made_and_ids_that_clients_chose_passed_over_in_one_place_each() -> None:
    sold = [DB / "functions", DB / "views", DB / "triggers"]
    for pattern, home in (
        (r"insert into (?:billig\.)?ticket\b\s*(?:as \w+\s*)?\(", "new_tickets"),
        (r"nextval\('(?:billig\.)?ticket_ticket_seq'", "new_tickets"),
        (r"\bticket_pkey\b", "new_tickets"),
        (r"insert into (?:billig\.)?purchase\b\s*(?:as \w+\s*)?\(", "new_purchase"),
    ):
        assert found_in(pattern, *sold) == {f"db/functions/billig/internal/{home}.sql"}, pattern


# --- Clicks ---------------------------------------------------------------------------------------------------------


def test_a_clicks_price_is_shared_in_one_place_and_as_its_table_checks(shared_db: Connection) -> None:
    assert found_in(r"\(1 - \S*rate", DB) == {"db/functions/marketplace/internal/publisher_share.sql"}
    check = one(
        shared_db,
        "select pg_get_constraintdef(oid) from pg_constraint"
        " where conname = 'ad_click_share_check' and conrelid = 'marketplace.ad_click'::regclass",
    )
    function = one(shared_db, "select pg_get_function_sqlbody('marketplace.publisher_share'::regproc)")
    shared = re.search(r"trunc\(.*?, 6\)", function.replace("p_", ""))
    assert shared
    assert shared[0] in check


def test_the_lines_of_a_statement_and_the_series_of_clicks_are_read_in_one_place() -> None:
    """Everybody's view and a profile's own ask the same function; so do pages that a profile's own role sees."""
    lines = found_in(r"group by c\.website, c\.price", DB)
    assert lines == {"db/functions/marketplace/click_lines.sql"}
    assert found_in(r"marketplace\.ad_click\b", DB / "views" / "marketplace", DB / "views" / "report") == set()


def test_clicks_over_time_are_counted_in_one_place_for_profiles_and_for_staff() -> None:
    step = r"date_trunc\(p_step, \S*click_time"
    assert found_in(step, DB) == {"db/functions/marketplace/click_counts.sql"}
    pages = dict(files(ROOT / "pybridge" / "web", suffix="py"))
    asking = {path for path, text in pages.items() if re.search(r"click_counts|click_series|click_day|ad_click", text)}
    assert asking == {"pybridge/web/pages/content/marketplace.py"}
    assert set(re.findall(r"\w*(?:click_counts|click_series|click_day|ad_click)\b", pages[asking.pop()])) == {
        "all_click_counts",
        "click_counts",
    }


def test_what_a_click_costs_is_looked_up_by_key_in_one_place_and_for_all_in_one() -> None:
    """Two ways to the same prices, one for a click and one for a file of them; that they agree is tested."""
    read = r"(?:from|join) marketplace\.advertisement_price\b"
    assert found_in(read, DB) == {
        "db/functions/marketplace/internal/price_at.sql",
        "db/views/marketplace/advertisement_tariff.sql",
    }


def test_how_old_a_click_may_be_is_said_in_one_place() -> None:
    assert found_in(r"\b2 years'", DB, ROOT / "migrations") == {"migrations/0005-marketplace.sql"}
    assert found_in(r"marketplace\.click_window\b", DB / "functions") == {
        f"db/functions/marketplace/{name}.sql"
        # The last one reads nothing of it, and gives it to every node.
        for name in ("internal/newest_click", "internal/oldest_click", "record_clicks", "distribute_clicks")
    }


@pytest.mark.parametrize("moment", ["click_time", "now()"])
def test_a_price_looked_up_by_key_is_looked_up_as_if_it_stood_in_the_query(shared_db: Connection, moment: str) -> None:
    """So that it takes the index, and one row of it, however many prices there were."""
    plan = "\n".join(
        row["QUERY PLAN"]
        for row in rows(
            shared_db,
            "explain (costs off) select p.price from (select 1::bigint as advertisement, now() as click_time) as c"
            f" cross join lateral marketplace.price_at(c.advertisement, {moment}) as p",
        )
    )
    assert "price_at" not in plan
    assert "Index Scan Backward using advertisement_price_pkey" in plan


# --- The zone -------------------------------------------------------------------------------------------------------


def test_the_zone_is_named_once_in_sql_and_once_in_python(shared_db: Connection) -> None:
    named = r"""["']Europe/Oslo["']"""
    assert found_in(named, DB, ROOT / "migrations") == {"db/functions/books/time_zone.sql"}
    python = {path for path, text in files(ROOT / "pybridge", suffix="py") if re.search(named, text)}
    assert python == {"pybridge/formats.py"}
    assert one(shared_db, "select books.time_zone()") == OSLO.key


def test_a_local_time_is_worked_out_as_if_the_zone_stood_in_the_query(shared_db: Connection) -> None:
    """The function disappears into the query: so indexes and partitions serve, and its price is nothing."""
    for asked, plain in (
        ("billig.local_time(transaction_time)", "(transaction_time AT TIME ZONE 'Europe/Oslo'::text)"),
        ("transaction_time at time zone books.time_zone()", "(transaction_time AT TIME ZONE 'Europe/Oslo'::text)"),
        (
            "marketplace.month_of(transaction_time)",
            "date_trunc('month'::text, (transaction_time AT TIME ZONE 'Europe/Oslo'::text))",
        ),
    ):
        plan = "\n".join(
            row["QUERY PLAN"]
            for row in rows(shared_db, f"explain (verbose, costs off) select {asked} from billig.transaction_log")
        )
        assert plain in plan, asked


# --- Size -----------------------------------------------------------------------------------------------------------


def test_a_function_can_be_seen_whole() -> None:
    too_long = set()
    seen = 0
    for path in sorted(DB.rglob("*.sql")):
        for name, plpgsql, sql in FUNCTION.findall(path.read_text("utf-8")):
            seen += 1
            body = plpgsql or sql
            if body.count("\n") + 1 > LONGEST and "-- Longer than other functions: " not in body:
                too_long.add(name)
    assert seen > 150
    assert too_long == set(), f"over {LONGEST} lines: split it, or let a comment say why it must be so long"
