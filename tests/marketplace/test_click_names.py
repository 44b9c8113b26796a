"""Clicks that the site names are recorded once; odd ones are flagged, and charged until somebody decides."""

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.conftest import Connection
from tests.support import four as people
from tests.support import market
from tests.support.domain import consistency, expect, login_role, one, rows, run, wait_for
from tests.support.four import FEBRUARY, JANUARY, Four
from tests.support.market import at, call

four = people.four
NOON, BOT = at(2026, 1, 10, 12), "ab" * 16


def record(four: Four, *names: str | None, times: list[datetime] | None = None, **told: Any) -> int:
    ads, sites = [four.ads[four.adv]] * len(names), [four.sites[four.pub]] * len(names)
    asked = {"advertisements": ads, "websites": sites, "click_times": times, "click_names": list(names), **told}
    return int(call(four.db, "record_clicks", **asked)[0]["record_clicks"])


def count(four: Four) -> int:
    return int(one(four.db, "select count(*) from marketplace.ad_click"))


# --- Names ------------------------------------------------------------------------------------------------------------


def test_a_click_of_a_name_is_recorded_once_and_answered_the_same(four: Four) -> None:
    assert record(four, "a", "b", None) == 3
    assert record(four, "b", "a", None) == 3, "the time of now is not the click's content"
    assert count(four) == 4, "only the one without a name is another"
    assert record(four, "t", times=[NOON]) == record(four, "t", times=[NOON]) == record(four, "t") == 1
    assert count(four) == 5


@pytest.mark.parametrize("other", ["advertisement", "website", "time"])
def test_the_same_name_of_other_content_is_refused_and_the_batch_with_it(four: Four, other: str) -> None:
    record(four, "a", times=[NOON])
    other_content: dict[str, dict[str, Any]] = {
        "advertisement": {"advertisements": [four.ads[four.adv], four.ads[four.both]]},
        "website": {"websites": [four.sites[four.pub], None]},
        "time": {"click_times": [NOON, NOON + timedelta(seconds=1)]},
    }
    with expect("23B58") as refused, four.db.transaction():
        record(four, "new", "a", times=[NOON, NOON], **other_content[other])
    assert "Click 2, 'a'" in str(refused.value.diag.message_detail)
    assert count(four) == 1
    for names in (["", "b"], ["b", "b"], ["x" * 201, "b"], ["b"]):
        with expect("22023"), four.db.transaction():
            record(four, *names, advertisements=[four.ads[four.adv]] * 2, websites=[None] * 2)


@pytest.mark.parametrize("keyed", [True, False])
def test_two_calls_at_once_record_a_name_once(four: Four, keyed: bool) -> None:
    """Without the key of names, the control, each call has its own."""
    if not keyed:
        run(four.db, "drop index marketplace.click_name_single_key")
    record(four, None)  # so that there is a partition
    answered: list[int] = []
    with psycopg.connect(four.db.info.dsn, autocommit=True) as second:
        thread = threading.Thread(target=lambda: answered.append(record(replace(four, db=second), "b", "new", "a")))
        with four.db.transaction():
            assert record(four, "a", "b") == 2
            thread.start()
            if keyed:
                with psycopg.connect(four.db.info.dsn, autocommit=True) as watcher:
                    wait_for(watcher, second.info.backend_pid)
            else:
                thread.join(20)
        thread.join(20)
    assert (answered, count(four)) == ([3], 4 if keyed else 6)


def test_a_file_does_not_bring_what_the_site_has_named(four: Four) -> None:
    record(four, "a", times=[NOON])
    with four.db.transaction():
        call(four.db, "begin_click_file", source="file", content_sha256=b"x" * 32)
        for line, name in enumerate("ab", 1):
            run(four.db, "insert into click_file_line (line, click_time, advertisement, website, click_id)"
                " values (%s, '2026-01-10 12:00', %s, %s, %s)", line, str(four.ads[four.adv]),
                str(four.sites[four.pub]), name)  # fmt: skip
        (loaded,) = call(four.db, "load_clicks", source="file", content_sha256=b"x" * 32, now=at(2026, 1, 20))
    assert (loaded["clicks"], loaded["rejected"]) == (1, 1)
    assert record(four, "b", times=[NOON]) == 1, "the file brought it"
    assert count(four) == 2


def test_the_site_inserts_no_click_on_what_is_another_s(four: Four) -> None:
    with (
        login_role(four.db, "marketplace_web") as name,
        psycopg.connect(four.db.info.dsn, user=name, autocommit=True) as site,
    ):
        insert = (
            "insert into marketplace.ad_click (profile, click_time, advertisement, clicker) values (%s, %s, %s, %s)"
        )
        run(site, insert, four.adv, NOON, four.ads[four.adv], BOT)
        for whose, clicker in ((four.pub, None), (four.adv, "192.0.2.1")):
            with expect("42501", native=True):
                run(site, insert, whose, NOON, four.ads[four.adv], clicker)


# --- Flags ------------------------------------------------------------------------------------------------------------


def clicked(db: Connection, advertised: int, site: int | None, clicker: str | None, *times: datetime) -> None:
    call(db, "record_clicks", advertisements=[advertised] * len(times), websites=[site] * len(times),
         click_times=list(times), clickers=[clicker] * len(times))  # fmt: skip


def flags(four: Four) -> list[tuple[str, str, int]]:
    found = rows(four.db, "select kind, status, clicks from report.click_flag order by click_flag")
    return [(row["kind"], row["status"], row["clicks"]) for row in found]


def open_flags(four: Four) -> int:
    return sum(status == "OPEN" for _, status, _ in flags(four))


def decide(four: Four, decision: str, now: datetime) -> tuple[int, int]:
    number = one(four.db, "select min(click_flag) from report.click_flag where status = 'OPEN'")
    (told,) = call(four.db, "decide_click_flag", click_flag=number, decision=decision, reason="looked", now=now)
    return told["excluded"], told["taken_back"]


def burst(four: Four, number: int, since: datetime = NOON) -> None:
    times = [since + timedelta(seconds=each) for each in range(number)]
    clicked(four.db, four.ads[four.adv], four.sites[four.pub], BOT, *times)


def test_a_burst_is_flagged_and_charged_until_somebody_decides(four: Four) -> None:
    burst(four, 9)
    clicked(four.db, four.ads[four.adv], four.sites[four.pub], "cd" * 16, NOON)
    market.update(four.db, JANUARY, at(2026, 1, 11))
    assert flags(four) == []
    burst(four, 1, NOON + timedelta(minutes=2))  # late in the same span: counted with those of before
    market.update(four.db, JANUARY, at(2026, 1, 12))
    market.update(four.db, JANUARY, at(2026, 1, 13))
    assert flags(four) == [("BURST", "OPEN", 10)]
    assert market.amounts(four.db, four.adv, JANUARY) == ("CURRENT", "1100", "0")
    assert decide(four, "EXCLUDED", at(2026, 1, 14)) == (10, 0)
    assert market.amounts(four.db, four.adv, JANUARY) == ("CURRENT", "100", "0")
    with expect("P0002"), four.db.transaction():
        call(four.db, "decide_click_flag", click_flag=1, decision="ACCEPTED", reason="x", now=NOON)
    four.close()


def test_what_is_found_after_the_close_is_taken_back(four: Four) -> None:
    burst(four, 12)
    four.close()
    assert decide(four, "EXCLUDED", at(2026, 2, 3)) == (0, 12)
    market.update(four.db, None, at(2026, 2, 4))
    assert flags(four) == [("BURST", "EXCLUDED", 12)]


def test_a_burst_over_the_end_of_a_month_that_is_closed_is_taken_back_there_and_out_here(four: Four) -> None:
    burst(four, 24, at(2026, 2, 1) - timedelta(seconds=12))
    four.close()
    market.update(four.db, FEBRUARY, at(2026, 2, 2))
    found = [decide(four, "EXCLUDED", at(2026, 2, 3)) for _ in range(open_flags(four))]
    assert tuple(map(sum, zip(*found, strict=True))) == (12, 12)
    assert market.amounts(four.db, four.adv, FEBRUARY) == ("CURRENT", "-1200", "0"), "January's"
    (click, *_) = rows(four.db, "select * from marketplace.ad_click order by click_time")
    with expect("23B63"), four.db.transaction():
        market.exclude(four.db, [click], "again", at(2026, 2, 4))
    with expect("23B65"), four.db.transaction():
        market.adjust(four.db, click, "again", at(2026, 2, 4))
    market.update(four.db, None, at(2026, 2, 5))
    assert open_flags(four) == 0
    four.close(FEBRUARY)


def test_clicks_on_one_s_own_website_are_flagged_and_what_is_accepted_again_only_where_more_come(four: Four) -> None:
    own = four.ads[four.both], four.sites[four.both]
    clicked(four.db, *own, None, NOON)
    clicked(four.db, four.ads[four.adv], four.sites[four.both], None, NOON)
    market.raw_click(four.db, *own, NOON)
    market.update(four.db, JANUARY, at(2026, 1, 11))
    assert flags(four) == [("OWN_SITE", "OPEN", 2)]
    assert decide(four, "ACCEPTED", at(2026, 1, 11)) == (0, 0)
    market.update(four.db, JANUARY, at(2026, 1, 12))
    clicked(four.db, *own, None, NOON)
    market.update(four.db, JANUARY, at(2026, 1, 13))
    assert flags(four) == [("OWN_SITE", "ACCEPTED", 2), ("OWN_SITE", "OPEN", 3)]
    assert market.amounts(four.db, four.both, JANUARY)[1:] == ("300", "-280")
    for decision, reason in (("DROPPED", "x"), ("ACCEPTED", "")):
        with expect("22023"), four.db.transaction():
            call(four.db, "decide_click_flag", click_flag=2, decision=decision, reason=reason)
    for statement in ("update marketplace.click_flag set clicks = 99 where click_flag = 1",
                      "delete from marketplace.click_flag"):  # fmt: skip
        with expect("23B62"), four.db.transaction():
            run(four.db, statement)
    run(four.db, "update marketplace.click_flag_rule set is_enabled = false")
    four.close()
    assert consistency(four.db) == {}
