"""Up to where history is final: increments that are read by it lose no row, however late it commits."""

import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from tests.conftest import Connect, Connection
from tests.support.cli import Run
from tests.support.cli import run as pybridge
from tests.support.domain import Event, make_event, one, refund, rows, sell

__all__ = ["pybridge"]  # a fixture
Reader = Callable[[], set[int]]


@pytest.fixture
def event(db: Connection) -> Event:
    return make_event(db, prices=(300,), num=100)


def by_watermark(db: Connection) -> Reader:
    """Reads what became final since it read last."""
    since = [0]

    def read() -> set[int]:
        found = rows(
            db,
            "select t.transaction_log, w.final_before from report.watermark as w left join report.transaction as t"
            " on t.history_position >= %s and t.history_position < w.final_before",
            since[0],
        )
        since[0] = found[0]["final_before"]
        return {row["transaction_log"] for row in found if row["transaction_log"] is not None}

    return read


def by_number(db: Connection) -> Reader:
    """The control: reads what has a higher number than the highest that it read last."""
    last = [0]

    def read() -> set[int]:
        found = {
            row["transaction_log"]
            for row in rows(db, "select transaction_log from report.transaction where transaction_log > %s", last[0])
        }
        last[0] = max([last[0], *found])
        return found

    return read


def everything(db: Connection) -> set[int]:
    return {row["transaction_log"] for row in rows(db, "select transaction_log from report.transaction")}


def test_a_row_that_commits_late_is_in_an_increment_and_a_highest_number_loses_it(
    db: Connection, connect: Connect, event: Event
) -> None:
    slow = connect(autocommit=False)
    final, numbered = by_watermark(db), by_number(db)
    sell(db, event.price_group)
    assert final() == numbered() == everything(db)

    late = sell(slow, event.price_group).ticket  # its number is drawn, and it is not committed
    sell(db, event.price_group)
    seen = everything(db)
    assert numbered() < seen, "the control has read on"
    assert final() == set(), "history is not final behind the open one"
    assert one(db, "select numbers_waiting > 0 from report.watermark")

    slow.commit()
    missing = everything(db) - seen
    assert len(missing) == 1
    assert final() == everything(db) - {min(everything(db))}
    assert numbered() == set(), "what the control never sees"
    assert one(db, "select min(transaction_log) from report.transaction where ticket = %s", late) in missing
    assert final() == set(), "each row once"


def test_many_transactions_in_any_order_are_each_read_once(db: Connection, connect: Connect, event: Event) -> None:
    slow = [connect(autocommit=False) for _ in range(3)]
    final = by_watermark(db)
    read: list[int] = []
    for order in ((0, 1, 2), (2, 0, 1), (1, 2, 0)):
        for each in slow:
            sell(each, event.price_group)
        read += final()
        for number in order:
            slow[number].commit()
            sell(db, event.price_group)
            read += final()
    read += final()
    assert sorted(read) == sorted(everything(db))


def test_the_watermark_never_goes_back_not_even_in_a_restored_dump(db: Connection, event: Event) -> None:
    before = one(db, "select final_before from report.watermark")
    sell(db, event.price_group)
    after = one(db, "select final_before from report.watermark")
    assert after > before
    restored = "insert into deploy.era (era, system_identifier) select max(era) + 1, 7 from deploy.era"
    db.execute(restored)
    assert one(db, "select final_before from report.watermark") > after + 2**40
    assert one(db, "select bool_and(t.history_position < w.final_before) from report.transaction t, report.watermark w")


def test_an_increment_reads_the_log_by_an_index(db: Connection) -> None:
    db.execute("set enable_seqscan = off")
    plan = "\n".join(
        row["QUERY PLAN"]
        for row in rows(
            db, "explain select * from report.transaction_line where history_position >= 7 and history_position < 9"
        )
    )
    assert "transaction_log_position_idx" in plan


def test_extracts_follow_on_each_other_and_keep_money_decimal(
    db: Connection, connect: Connect, event: Event, pybridge: Run, tmp_path: Path
) -> None:
    slow = connect(autocommit=False)
    sell(db, event.price_group, 2)
    sell(slow, event.price_group)

    def extract(name: str, since: int) -> dict[str, int]:
        done = pybridge(
            db, "report", "extract", "report.transaction_line", tmp_path / name, "--since", str(since), "--json"
        )
        assert done.exit_code == 0, done.output
        told: dict[str, int] = json.loads(done.stdout)
        return told

    first = extract("1.parquet", 0)
    assert first["rows"] == 2
    slow.commit()
    refund(db, [one(db, "select min(ticket) from billig.ticket")])
    second = extract("2.parquet", first["final_before"])
    assert second["rows"] == 2
    assert extract("3.parquet", second["final_before"])["rows"] == 0, "a file all the same"
    with duckdb.connect() as duck:
        found = duck.execute(
            "select count(*), count(distinct (transaction_log, component)), sum(gross_amount),"
            " any_value(typeof(gross_amount)), any_value(typeof(transaction_time)), count(seller)"
            f" from '{tmp_path}/*.parquet'"
        ).fetchone()
    assert found is not None
    assert found[:2] == (4, 4)
    assert found[2] == one(db, "select sum(gross_amount) from report.transaction_line")
    assert found[3:5] == ("DECIMAL(14,2)", "TIMESTAMP WITH TIME ZONE")
    assert found[5] == one(db, "select count(seller) from report.transaction_line")


def test_what_cannot_be_read_in_increments_is_refused(db: Connection, pybridge: Run, tmp_path: Path) -> None:
    refused = pybridge(db, "report", "extract", "project_day", tmp_path / "x.parquet")
    assert refused.exit_code == 2
    assert "transaction_line" in refused.output
    assert pybridge(db, "report", "extract", "transaction", tmp_path / "no" / "x.parquet").exit_code == 2
    beyond = one(db, "select final_before + 1000 from report.watermark")
    refused = pybridge(db, "report", "extract", "transaction", tmp_path / "x.parquet", "--since", beyond)
    assert (refused.exit_code, "beyond what is final" in refused.output) == (2, True), "another database's mark"
    assert list(tmp_path.iterdir()) == []
