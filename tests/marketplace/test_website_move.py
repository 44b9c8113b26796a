"""Websites that change hands: a click is earned by whose the website was at its own time, however late."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime

import psycopg
import pytest

from tests.conftest import Connection
from tests.support import four as people
from tests.support import market
from tests.support.domain import consistency, expect, login_role, one, rows, run
from tests.support.four import JANUARY, Four
from tests.support.market import at, call

four = people.four
TENTH, TWENTIETH = at(2026, 1, 10), at(2026, 1, 20)


def move(four: Four, to: int, since: datetime | None = None, now: datetime = TENTH, reason: str = "sold") -> int:
    made = call(four.db, "move_website", website=four.sites[four.pub], profile=to, reason=reason,
                now=now, **{"from": since})  # fmt: skip
    return int(made[0]["move_website"])


def clicked(four: Four, *days: int) -> None:
    times = [market.day(date(2026, 1, day), 12) for day in days]
    market.clicks(four.db, four.ads[four.adv], four.sites[four.pub], *times)


@contextmanager
def logged_in(four: Four, group: str) -> Iterator[tuple[Connection, str]]:
    with (
        login_role(four.db, group) as name,
        psycopg.connect(four.db.info.dsn, user=name, autocommit=True) as connection,
    ):
        yield connection, name


def earned(four: Four) -> dict[int, str]:
    query = "select profile, website_amount from marketplace.transaction where website_amount <> 0 and month = %s"
    found = rows(four.db, query, JANUARY)
    return {row["profile"]: market.short(row["website_amount"]) for row in found}


def begun(four: Four) -> None:
    market.update(four.db, JANUARY, at(2026, 1, 2))


def test_both_owners_are_paid_for_the_month_each_for_clicks_of_their_time(four: Four) -> None:
    begun(four)
    clicked(four, 5, 12)  # the second is there before anybody has said that it is not the first one's
    move(four, four.adv2)
    clicked(four, 6, 7, 15)
    market.raw_click(four.db, four.ads[four.adv], four.sites[four.pub], at(2026, 1, 8))
    market.raw_click(four.db, four.ads[four.adv], four.sites[four.pub], at(2026, 1, 18))
    four.close()
    assert earned(four) == {four.pub: "-280", four.adv2: "-210"}
    clicked(four, 9, 11)  # late
    four.close(people.FEBRUARY)
    assert earned(four)[four.pub] == "-280", "of January"
    late = {row["profile"]: row["website_amount"] for row in rows(
        four.db, "select profile, website_amount from marketplace.transaction where month = '2026-02-01'")}  # fmt: skip
    assert (late[four.pub], late[four.adv2]) == (-70, -70)
    assert market.errors(four.db, JANUARY) == []


def test_files_and_the_click_of_the_moment_follow_too(four: Four) -> None:
    begun(four)
    move(four, four.adv2)
    assert [row["publisher"] for row in market.clicks(
        four.db, four.ads[four.adv], four.sites[four.pub], at(2026, 1, 9, 23, 59), TENTH)
    ] == [four.pub, four.adv2], "the moment itself is the new owner's"  # fmt: skip
    with four.db.transaction():
        call(four.db, "begin_click_file", source="file", content_sha256=b"x" * 32)
        columns = "insert into click_file_line (line, click_time, advertisement, website) values"
        for line, day in enumerate((9, 11), 1):
            run(four.db, f"{columns} (%s, %s, %s, %s)", line, f"2026-01-{day:02} 12:00:00", str(four.ads[four.adv]),
                str(four.sites[four.pub]))  # fmt: skip
        call(four.db, "load_clicks", source="file", content_sha256=b"x" * 32, now=TWENTIETH)
    query = "select publisher from marketplace.ad_click where source = 'file' order by click_time"
    assert [row["publisher"] for row in rows(four.db, query)] == [four.pub, four.adv2]


def test_a_move_is_undone_as_if_it_had_never_been(four: Four) -> None:
    begun(four)
    first = move(four, four.adv2)
    second = move(four, four.both, now=TWENTIETH)
    clicked(four, 15, 25)
    with expect("23B59"), four.db.transaction():
        call(four.db, "undo_website_move", website_move=first, reason="not sold", now=TWENTIETH)
    for number in (second, first):
        call(four.db, "undo_website_move", website_move=number, reason="not sold", now=TWENTIETH)
    with expect("P0002"), four.db.transaction():
        call(four.db, "undo_website_move", website_move=first, reason="again", now=TWENTIETH)
    four.close()
    assert earned(four) == {four.pub: "-140"}
    assert one(four.db, "select profile from marketplace.website where website = %s", four.sites[four.pub]) == four.pub


def test_what_is_charged_stays_whose_it_was(four: Four) -> None:
    clicked(four, 5, 9)
    market.update(four.db, JANUARY, TENTH)
    with expect("23B59") as refused, four.db.transaction():
        move(four, four.adv2, since=at(2026, 1, 8), now=TWENTIETH)
    assert "moves it from now on" in str(refused.value.diag.message_hint)
    number = move(four, four.adv2, since=at(2026, 1, 12), now=TWENTIETH)
    clicked(four, 11, 13)
    market.update(four.db, JANUARY, at(2026, 1, 21))
    with expect("23B59") as refused, four.db.transaction():
        call(four.db, "undo_website_move", website_move=number, reason="not sold", now=at(2026, 1, 22))
    assert "moves it back" in str(refused.value.diag.message_hint)
    move(four, four.pub, now=at(2026, 1, 22), reason="bought back")
    clicked(four, 23)
    four.close()
    assert earned(four) == {four.pub: "-280", four.adv2: "-70"}


def test_late_clicks_of_two_months_go_by_the_move_which_is_not_undone_after_a_close(four: Four) -> None:
    begun(four)
    clicked(four, 5)
    number = move(four, four.adv2)
    four.close()
    clicked(four, 6, 15)  # late, of either owner
    with expect("23B59") as refused, four.db.transaction():
        call(four.db, "undo_website_move", website_move=number, reason="not sold", now=at(2026, 2, 5))
    assert "moves it back from now on" in str(refused.value.diag.message_hint)
    move(four, four.pub, now=at(2026, 2, 5), reason="bought back")
    clicked(four, 16)
    market.clicks(four.db, four.ads[four.adv], four.sites[four.pub], at(2026, 2, 4), at(2026, 2, 6))
    four.close(people.FEBRUARY)
    clicked(four, 7, 17)
    market.clicks(four.db, four.ads[four.adv], four.sites[four.pub], at(2026, 2, 3), at(2026, 2, 7))
    four.close(people.MARCH)
    query = "select profile, month, website_amount from marketplace.transaction where website_amount <> 0"
    found = {(row["month"].month, row["profile"]): row["website_amount"] for row in rows(four.db, query)}
    assert found == {
        (1, four.pub): -70, (2, four.pub): -140, (2, four.adv2): -210, (3, four.pub): -140, (3, four.adv2): -140,
    }  # fmt: skip
    assert market.errors(four.db, people.FEBRUARY) == market.errors(four.db, people.MARCH) == []


def test_a_pause_of_a_profile_is_of_what_it_has_at_the_time(four: Four) -> None:
    begun(four)
    call(four.db, "pause_clicks", reason="looked at", profile=four.pub, now=at(2026, 1, 5))
    move(four, four.adv2)
    clicked(four, 4, 7, 12)
    four.close()
    assert earned(four) == {four.pub: "-70", four.adv2: "-70"}, "one of each; the one between is of the pause"


def test_who_had_it_still_sees_what_it_earned(four: Four) -> None:
    begun(four)
    clicked(four, 5)
    move(four, four.adv2)
    clicked(four, 15)
    four.close()
    site = one(four.db, "select website_name from marketplace.website where website = %s", four.sites[four.pub])
    for person, has in ((four.pub, []), (four.adv2, [site])):
        asked = {"profile": person, "side": "WEBSITE", "from": date(2026, 1, 1), "to": date(2026, 2, 1)}
        with logged_in(four, "marketplace_profile") as (own, name):
            run(four.db, "update marketplace.profile set login_role = %s where profile = %s", name, person)
            lines = rows(own, "select item_name, amount from marketplace.own_statement_line where side = 'WEBSITE'")
            assert [(row["item_name"], row["amount"]) for row in lines] == [(site, -70)]
            assert [row["website_name"] for row in rows(own, "select website_name from marketplace.own_website")] == has
            assert [(row["item_name"], row["clicks"]) for row in call(own, "top_items", **asked)] == [(site, 1)]
            series = call(own, "click_series", **asked, step="month")
            assert [(row["item_name"], row["clicks"]) for row in series] == [(site, 1)]


def test_only_a_move_gives_a_website_to_another_and_to_one_who_is_there(four: Four) -> None:
    begun(four)
    for to, since, state in (
        (four.pub, None, "23B59"), (0, None, "P0002"), (four.adv2, at(2026, 1, 11), "22023"),
    ):  # fmt: skip
        with expect(state), four.db.transaction():
            move(four, to, since=since)
    with expect("22023"), four.db.transaction():
        move(four, four.adv2, reason="")
    call(four.db, "close_account", profile=four.adv2, rest="PAY", reason="left", now=TENTH)
    with expect("23B59"), four.db.transaction():
        move(four, four.adv2)
    number = move(four, four.both)
    for statement, state in (
        ("update marketplace.website set profile = %s", "23B20"),
        ("update marketplace.website_move set profile = %s", "23B62"),
        ("delete from marketplace.website_move where profile <> %s", "23B62"),
    ):
        with expect(state), four.db.transaction():
            run(four.db, statement, four.adv)
    with logged_in(four, "marketplace_web") as (site, _):
        with expect("23B20"):
            run(site, "update marketplace.website set profile = %s", four.adv)
        run(site, "update marketplace.website set website_name = 'new', profile = %s where website = %s",
            four.both, four.sites[four.pub])  # fmt: skip
        with expect("42501", native=True):
            call(site, "undo_website_move", website_move=number, reason="x")


@pytest.mark.one_machine("disable trigger all, a superuser's")
@pytest.mark.parametrize(("broken", "problem"), [
    ("update marketplace.ad_click set publisher = {pub}", "paid to another than whose it was"),
    ("update marketplace.website set profile = {pub} where website = {site}", "not whose its last move says"),
    ("update marketplace.website_move set from_profile = {adv} where profile = {both}",
     "moved from another than whose it was"),
])  # fmt: skip
def test_what_does_not_agree_is_found(four: Four, broken: str, problem: str) -> None:
    begun(four)
    move(four, four.adv2)
    clicked(four, 15)
    move(four, four.both, now=TWENTIETH)
    four.close()
    with four.db.transaction(force_rollback=True):
        for table in ("website", "website_move"):
            run(four.db, f"alter table marketplace.{table} disable trigger all")
        run(four.db, broken.format(pub=four.pub, adv=four.adv, both=four.both, site=four.sites[four.pub]))
        found = rows(four.db, "select problem from consistency.marketplace_website")
        assert problem in {row["problem"] for row in found}
        for table in ("website", "website_move"):
            run(four.db, f"alter table marketplace.{table} enable trigger all")
    assert consistency(four.db) == {}
