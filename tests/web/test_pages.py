"""The pages: what they show agrees with the tables, whoever's text is in them stays text, and they stand alone."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from lxml import html
from psycopg.rows import tuple_row
from typer.testing import CliRunner, Result

from pybridge.cli.main import app
from pybridge.errors import BadArgument, NotFound
from pybridge.reports import columns
from pybridge.reports.declared import REPORTS
from pybridge.web import pages
from pybridge.web.pages import charts, site
from pybridge.web.pages.words import CODE_COLUMNS, CODES, FOLDER, SAID, Words
from tests.conftest import Connection
from tests.support import market
from tests.support.cli import url
from tests.support.domain import (
    login_role,
    one,
    rows,
    run,
)
from tests.support.house import HOSTILE, MONTH, House, number, table, totals


@pytest.fixture(scope="module")
def house(shared_db: Connection, tmp_path_factory: pytest.TempPathFactory) -> House:
    return House(shared_db, tmp_path_factory.mktemp("bank"))


def about(document: html.HtmlElement) -> dict[str, str]:
    terms = document.xpath("//dl[@class='about']/*")
    return {name.text_content(): value.text_content() for name, value in zip(terms[::2], terms[1::2], strict=True)}


# --- Every page -----------------------------------------------------------------------------------------------------


def test_a_name_that_turns_the_writing_does_not_turn_the_number_after_it(house: House) -> None:
    for name, values in (
        ("event-sales", {"event": str(house.revue.event)}),
        ("statement", {"profile": str(house.advertiser), "month": "2031-06"}),
    ):
        (asked,) = [
            each
            for each in about(house.html(name, values)).values()
            if each.endswith(f" ({next(iter(values.values()))})")
        ]
        assert re.match("\u2068.*\u2069 \\(", asked, re.DOTALL)  # the name is isolated, as Unicode calls it


@pytest.mark.parametrize("lang", pages.LANGUAGES)
def test_every_page_stands_alone_and_no_text_becomes_markup(house: House, lang: str) -> None:
    hostile = 0
    for name, values in house.asked:
        page = house.text(name, values, lang)
        document = html.document_fromstring(page)
        where = f"{name} {values}"
        assert document.get("lang") == lang
        assert len(document.findall(".//h1")) == 1, where
        assert document.findtext(".//title") == document.findtext(".//h1"), where
        assert not document.xpath("//script|//img|//iframe|//object|//link|//*[@src]"), where
        assert not document.xpath("//@*[starts-with(name(), 'on')]"), where
        assert "49" not in re.findall(r"&amp;(\S+)", page), where  # a template in a name is not run
        assert all(re.fullmatch(r"#content|[a-z-]+\.html", href) for href in document.xpath("//@href")), where
        assert not re.search(r"url\((?!#)|@import", page), where
        for each in document.iter("table"):
            assert each.findtext("caption/span"), where
            assert each.xpath("./thead//th[@scope='col']"), where
            assert all(row.xpath("./th[@scope='row']") for row in each.xpath("./tbody/tr")), where
        for each in document.iter("svg"):
            assert each.get("role") == "img", where
            assert each.get("aria-label"), where
        hostile += document.text_content().count(HOSTILE)
    assert hostile > 50


@pytest.mark.parametrize(
    ("word", "name", "values"),
    [
        ("kari", "settlement", {}),
        ("note", "sessions", {}),
        ("luka", "z-report", {}),
        ("project", "project-day", {}),
        ("event", "event-sales", {}),
        ("profile", "statement", {}),
        ("reason", "statement", {"profile": "advertiser", "month": "2031-06"}),
        ("advertisement", "clicks", {}),
        ("website", "clicks", {}),
        ("route", "bank", {}),
        ("account", "bank", {}),
        ("error", "jobs", {}),
    ],
)
def test_what_somebody_typed_is_shown_as_it_is(house: House, word: str, name: str, values: dict[str, str]) -> None:
    asked = {key: str(getattr(house, value, value)) for key, value in values.items()}
    assert f"{word} {HOSTILE}" in house.html(name, asked).text_content()


def test_a_name_in_a_chart_is_text_too(house: House) -> None:
    (drawn, *_) = house.html("clicks", {"from": "2031-05-01", "to": "2031-06-30"}).xpath("//svg")
    assert not drawn.xpath(".//img|.//script|.//svg")
    series = [charts.Series(HOSTILE, [1, 2]), charts.Series("\x01", [0, 0])]
    picture = html.fragment_fromstring(str(charts.lines(Words("nb"), HOSTILE, ["1", "2"], series, "kr", "dag")))
    assert picture.get("aria-label") == HOSTILE
    assert any(each.text_content()[:20] == HOSTILE[:20] for each in picture.iter("text"))
    assert not picture.xpath(".//img|.//svg|.//@*[starts-with(name(), 'on')]")


def test_a_chart_that_holds_a_script_is_not_shown() -> None:
    for bad in ("<script/>", '<g onclick="x"/>', '<a href="http://x"/>', '<g href="http://x"/>'):
        with pytest.raises(ValueError, match="a chart holds"):
            charts._inline(f'<svg xmlns="http://www.w3.org/2000/svg">{bad}</svg>', "title")


def test_a_page_says_what_it_covers_and_up_to_which_row(house: House) -> None:
    said = about(house.html("vat-project", {"seller": house.seller, "to": house.today.isoformat()}, "en"))
    assert said["Seller"] == house.seller
    assert said["Period"].startswith("until ")
    assert said["By role"] == house.db.info.user
    assert said["The log up to"] == f"row {one(house.db, 'select max(transaction_log) from billig.transaction_log')}"
    assert str(house.today.year) in said["Made"]


@pytest.mark.parametrize("name", [name for name, page in pages.PAGES.items() if "from" in page.parameters])
def test_a_period_without_anything_says_so(house: House, name: str) -> None:
    document = house.html(name, {"from": "2001-01-01", "to": "2001-01-31"})
    assert "Ingenting i denne perioden." in document.text_content() or "Ingen kasseøkt" in document.text_content()
    assert not document.xpath("//svg")


# --- Money ----------------------------------------------------------------------------------------------------------


def test_vat_by_project_adds_up_to_the_log(house: House) -> None:
    gross, vat = rows(
        house.db,
        """
        select sum(amount + fee_amount) as gross, sum(vat_amount + fee_vat_amount) as vat from billig.transaction_log
        where transaction_type in (1, 2, 3, 6, 8, 11)
        """,
    )[0].values()
    document = house.html("vat-project")
    for caption in ("Per mva.-kode og prosjekt", "Per prosjekt", "Per mva.-kode"):
        shown = totals(document, caption)
        assert (shown["Brutto"], shown["Mva."], shown["Netto"]) == (gross, vat, gross - vat)
    assert totals(house.html("project-day"), "Per dag, prosjekt")["Brutto"] == gross
    assert totals(house.html("event-sales"), "Salg per arrangement")["Brutto"] == gross
    assert vat != 0


def test_the_settlement_adds_up_to_the_payments(house: House) -> None:
    paid = one(
        house.db,
        "select sum(l.amount) from billig.payment_line l join billig.payment p using (payment) where p.seller = %s",
        house.seller,
    )
    document = house.html("settlement", {"seller": house.seller})
    for caption in ("Per betalingsmiddel", "Per transaksjonstype", "Per mva.-kode og prosjekt"):
        assert totals(document, caption)["Brutto"] == paid
    counted = one(house.db, "select sum(difference) from billig.till_count where till_session = %s", house.session)
    assert totals(document, "Kontantdifferanse per kasseøkt")["Differanse"] == counted != 0


def test_the_last_point_of_an_event_is_all_that_it_brought_in(house: House) -> None:
    event = house.revue.event
    brought = one(
        house.db,
        """
        select sum(l.amount + l.fee_amount) from billig.transaction_log l join billig.ticket t using (ticket)
        where t.event = %s
        """,
        event,
    )
    shown = table(house.html("event-sales", {"event": str(event)}), "Akkumulert salg")
    assert number(shown.xpath("./tbody/tr[last()]/*[last()]")[0].text_content()) == brought


def test_open_items_are_those_of_the_tickets(house: House) -> None:
    unpaid = one(
        house.db,
        "select sum(price) from billig.ticket where paid is null and refunded is null",
    )
    assert totals(house.html("open-items"), "Ikke betalt ennå")["Utestående"] == unpaid


@pytest.mark.parametrize(("who", "side"), [("advertiser", "advertisement"), ("publisher", "website")])
@pytest.mark.parametrize("month", [MONTH, market.next_month(MONTH)])
def test_a_statement_is_its_transaction_to_the_last_decimal(house: House, who: str, side: str, month: date) -> None:
    profile = getattr(house, who)
    booked = market.transaction(house.db, profile, month)
    document = house.html("statement", {"profile": str(profile), "month": f"{month:%Y-%m}"})
    shown = totals(document, "Hva den består av")
    assert shown["Beløp"] == booked["net_amount"] == booked[f"{side}_amount"] != 0
    facts = {each.text_content(): each.getnext().text_content() for each in document.xpath("//section/dl/dt")}
    for label, column in (
        ("Fra forrige måned", "carried_in"),
        ("Til oppgjør", "due_amount"),
        ("Til neste måned", "carried_out"),
    ):
        assert number(facts[label]) == booked[column]


def test_lines_of_all_statements_are_the_transactions(house: House) -> None:
    assert rows(
        house.db,
        """
        select t.transaction
        from marketplace.transaction t
        left join report.marketplace_statement_line l using (transaction)
        group by t.transaction
        having
            (coalesce(sum(l.amount) filter (where l.side = 'ADVERTISEMENT'), 0),
            coalesce(sum(l.amount) filter (where l.side = 'WEBSITE'), 0))
            is distinct from (t.advertisement_amount, t.website_amount)
        """,
    ) == []  # fmt: skip
    assert one(house.db, "select sum(clicks) from report.marketplace_statement_line where reason is not null") == -2


def test_clicks_by_advertisement_and_by_website_are_the_clicks(house: House) -> None:
    document = house.html("clicks", {"from": "2031-05-01", "to": "2031-05-31"})
    assert list(totals(document, "Klikk per annonse").values()) == [8]
    assert totals(document, "Alle annonser")["Klikk"] == 8
    assert totals(document, "Alle nettsteder")["Klikk"] == 7


def test_the_bank_page_has_every_item_and_entry(house: House) -> None:
    document = house.html("bank")
    missing = one(house.db, "select sum(amount) from report.missing_deposit")
    assert totals(document, "Ventet og ikke")["Beløp"] == missing
    assert totals(document, "Ikke avstemt, etter alder")["Beløp"] == missing
    assert totals(document, "Kommet inn uten")["Beløp"] == Decimal("77.25")


def test_a_broken_invariant_is_shown(db: Connection) -> None:
    quiet = pages.render(db, "consistency", {}, lang="en", link=pages.no_link)
    assert "the books agree" in quiet
    run(db, "drop view consistency.rounding")
    run(db, "create view consistency.rounding as select 1 as payment, '<b>' as what")
    broken = html.document_fromstring(pages.render(db, "consistency", {}, lang="en", link=pages.no_link))
    assert "1 of " in broken.text_content()
    assert table(broken, "The first 1 of 1 rows").xpath("./tbody/tr/td[1]")[0].text_content() == "<b>"


def test_many_advertisements_stay_legible(db: Connection) -> None:
    market.partitions(db, MONTH, 1)
    market.set_rate(db, "0.3")
    owner = market.profile(db)
    run(db, "insert into marketplace.advertisement (profile, advertisement_name)"
            " select %s, 'Advertisement ' || n from generate_series(1, 400) n", owner)  # fmt: skip
    run(db, "insert into marketplace.advertisement_price"
            " select advertisement, '2000-01-01', 1 from marketplace.advertisement")  # fmt: skip
    every = [row["advertisement"] for row in rows(db, "select advertisement from marketplace.advertisement")]
    chosen = [*every, *every[:20]]
    one(db, "select marketplace.record_clicks(%s, %s::bigint[], %s, null)", chosen, [None] * len(chosen),
        [market.day(MONTH + timedelta(days=place % 3), 5) for place in range(len(chosen))])  # fmt: skip
    market.update(db, MONTH, market.day(MONTH + timedelta(days=5)))
    page = pages.render(db, "clicks", {"from": "2031-05-01", "to": "2031-05-31"}, lang="en", link=pages.no_link)
    document = html.document_fromstring(page)
    labels = [
        each.text_content() for each in document.xpath("//svg//*[contains(@class, 'legend-label')]//*[name()='text']")
    ]
    assert len(labels) == charts.MOST
    assert "other" not in labels, "what is many is no line among lines"
    (said,) = document.xpath("//figure[.//svg]/p")
    assert said.text_content().startswith("The 8 largest of 400 are drawn. The others come to 404 clicks together")
    drawn = table(document, "Clicks by advertisement").xpath("./tfoot/tr/td")
    assert sum(number(each.text_content()) for each in drawn) == 420
    assert len(table(document, "All advertisements").xpath("./tbody/tr")) == 400


@pytest.mark.parametrize("places", [["1. mai"], [f"{n}" for n in range(300)]])
def test_a_line_of_one_point_or_of_many_is_drawn(places: list[str]) -> None:
    drawn = html.fragment_fromstring(
        str(charts.lines(Words("nb"), "t", places, [charts.Series("a", [1.0] * len(places))], "kr", "dag"))
    )
    assert drawn.xpath(".//*[contains(@class, 'mark-symbol')]/*[name()='path']")
    ticks = drawn.xpath(".//*[contains(@class, 'role-axis-label')]")
    assert ticks
    assert 1 <= len([text for text in drawn.xpath(".//*[name()='text']") if text.text_content() in places]) <= 12


# --- Who, and when --------------------------------------------------------------------------------------------------


def test_who_may_not_read_is_refused_by_the_database_and_gets_no_page(house: House) -> None:
    def page(user: str, name: str) -> str:
        with psycopg.connect(url(house.db, user), autocommit=True) as connection:
            return pages.render(connection, name, {}, lang="en", link=pages.no_link)

    with login_role(house.db, "billig_seller") as seller:
        for name in pages.PAGES:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                page(seller, name)
    with login_role(house.db, "analyst") as analyst:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            page(analyst, "consistency")
        for name in pages.PAGES.keys() - {"consistency"}:
            assert analyst in page(analyst, name)
    with login_role(house.db, "scheduler") as scheduler:
        assert scheduler in page(scheduler, "jobs")


def test_a_statement_shows_what_was_set_off_against_other_months(house: House) -> None:
    query = """
        select s.profile, to_char(t.month, 'YYYY-MM') as month, s.other_transaction, s.amount
        from report.marketplace_set_off as s join report.marketplace_transaction as t using (transaction)
    """
    found = rows(house.db, query)
    assert found, "nothing was set off"
    for row in found:
        document = house.html("statement", {"profile": str(row["profile"]), "month": row["month"]}, "en")
        cells = [cell.strip() for cell in document.xpath("//td//text()")]
        assert str(row["other_transaction"]) in cells
        assert f"{row['amount']:,.2f}".replace("-", "\u2212") in [cell.replace("-", "\u2212") for cell in cells]


def test_a_profiles_own_role_sees_its_own_statements_and_no_other_page(house: House) -> None:
    """The same pages as the bookkeeper's, of each profile; nobody's for a role that is no profile."""
    with login_role(house.db, "marketplace_profile") as role:
        address = url(house.db, role)

        def page(name: str, values: Mapping[str, str] | None = None) -> str:
            with psycopg.connect(address, autocommit=True) as connection:
                return pages.render(connection, name, values or {}, lang="en", link=pages.no_link)

        assert "<td" not in page("own-statement", {"month": "2031-05"})
        for profile in (house.advertiser, house.publisher):
            run(house.db, "update marketplace.profile set login_role = null where login_role = %s", role)
            run(house.db, "update marketplace.profile set login_role = %s where profile = %s", role, profile)
            for month in ("2031-05", "2031-06"):
                own = html.document_fromstring(page("own-statement", {"month": month}))
                theirs = house.html("statement", {"profile": str(profile), "month": month}, "en")
                assert own.xpath("//td/text()") == theirs.xpath("//td/text()") != []
            everything = html.document_fromstring(page("own-statement"))
            assert len(everything.xpath("//tbody/tr")) == one(
                house.db, "select count(*) from marketplace.transaction where profile = %s", profile
            )
        for name in pages.PAGES.keys() - {"own-statement"}:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                page(name)
        run(house.db, "update marketplace.profile set login_role = null where login_role = %s", role)


def test_a_page_is_of_one_snapshot_and_leaves_the_connection_as_it_was(house: House) -> None:
    factory = house.db.row_factory
    house.render("jobs", {})
    assert house.db.row_factory is factory
    assert house.db.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    with house.db.transaction(), pytest.raises(ValueError, match="repeatable read"):
        house.render("jobs", {})
    with house.db.transaction():
        run(house.db, "set transaction isolation level repeatable read")
        assert house.render("jobs", {})
    with psycopg.connect(url(house.db), row_factory=tuple_row) as connection:
        assert pages.render(connection, "bank", {}, lang="nb", link=pages.no_link)
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("settlement", {"from": "yesterday"}),
        ("settlement", {"from": "2031-02-30"}),
        ("settlement", {"from": "2031-02-02", "to": "2031-02-01"}),
        ("settlement", {"session": "-1"}),
        ("settlement", {"session": "9223372036854775808"}),
        ("event-sales", {"event": "2147483648"}),
        ("event-sales", {"event": "1 or 1=1"}),
        ("event-sales", {"event": "٣"}),
        ("sessions", {"open": "perhaps"}),
        ("settlement", {"seller": "a\x00b"}),
        ("settlement", {"seller": "a\udc80b"}),
        ("statement", {"month": "2031-13"}),
        ("consistency", {"view": "vat"}),
    ],
)
def test_bad_values_are_refused(house: House, name: str, values: dict[str, str]) -> None:
    with pytest.raises(BadArgument) as refused:
        house.text(name, values)
    assert refused.value.detail
    assert refused.value.hint


def test_an_unknown_page_or_language_is_refused(house: House) -> None:
    with pytest.raises(NotFound):
        house.text("../settlement")
    with pytest.raises(BadArgument):
        house.text("jobs", lang="../nb")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("seller-activity", {"seller": "nobody"}),
        ("event-sales", {"event": "999999"}),
        ("prepaid", {"project": "999999"}),
        ("settlement", {"session": "999999"}),
        ("jobs", {"job": "marketplace_verfy"}),
    ],
)
def test_what_is_not_there_is_refused_with_what_is_near(house: House, name: str, values: dict[str, str]) -> None:
    with pytest.raises(NotFound, match="There is no ") as refused:
        house.text(name, values)
    assert str(refused.value.hint).startswith("There are: ")
    assert "marketplace_verify" in str(refused.value.hint) or name != "jobs"


# --- Languages ------------------------------------------------------------------------------------------------------


def test_every_message_is_translated_and_none_is_left_over(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The headings of columns too, which are the columns' own names unless LABELS says otherwise."""
    found = [
        each
        for folder in (Path(pages.__file__).parent, Path(columns.__file__).parent)
        for each in extract_from_dir(
            folder,
            method_map=[("**.py", "python"), ("templates/**.j2", "jinja2.ext:babel_extract")],
            options_map={},
            keywords=dict.fromkeys(("_", "N_", "words", "self")),
        )
    ]
    messages = {message for _, _, message, _, _ in found if isinstance(message, str)}
    shown = {column for each in REPORTS.values() for column in each.columns}
    plain = Words.column

    def noted(words: Words, name: str) -> str:
        shown.add(name)
        return plain(words, name)

    monkeypatch.setattr(Words, "column", noted)
    for name, values in house.asked:
        if name != "consistency":  # what a check finds is shown by the names of its view's columns
            house.render(name, values)
    labels = {columns.label(column) for column in shown}
    assert {"Organisation", "Cumulative", "Failing periods"} <= labels
    with (FOLDER / "nb.po").open("rb") as file:
        catalogue = {str(each.id): each for each in read_po(file, locale="nb") if each.id}
    assert messages | labels <= catalogue.keys()
    every = {row["attname"] for row in rows(house.db, REPORTED)}
    assert catalogue.keys() <= messages | labels | set(map(columns.label, every))
    for message, each in catalogue.items():
        assert each.string, message
        assert not each.fuzzy, message
        assert set(re.findall(r"{\w+}", message)) == set(re.findall(r"{\w+}", str(each.string))), message


REPORTED = """
select distinct attname from pg_attribute inner join pg_class as c on c.oid = attrelid
where c.relnamespace = 'report'::regnamespace and attnum > 0
"""


# What CHECK constraints allow in a column, and what views of schema report put there.
ALLOWED = """
select c.conrelid::regclass::text as place, pg_get_constraintdef(c.oid) as written
from pg_constraint as c
inner join pg_attribute as a on c.conrelid = a.attrelid and c.conkey = array[a.attnum]
where c.contype = 'c' and a.attname = any(%s::text[])
"""
PUT = """
select c.oid::regclass::text as place, pg_get_viewdef(c.oid) as written
from pg_class as c
where c.relkind = 'v' and c.relnamespace = 'report'::regnamespace
and exists (select from pg_attribute as a where a.attrelid = c.oid and a.attname = any(%s::text[]))
"""


def test_whatever_the_database_calls_a_thing_has_words(shared_db: Connection) -> None:
    """Ages of days are figures; what a view says in small letters is a sentence, such as what to do."""
    names = [*CODE_COLUMNS, "outcome"]  # which the gateway's inbox shows as what an event did
    put = rf"(?:THEN|ELSE) '([A-Z][A-Z_ ]+)'::text|'([^']+)'::text AS (?:{'|'.join(names)})\b"
    found = {
        (value, row["place"])
        for query, written in ((ALLOWED, r"'([^']+)'::text"), (PUT, put))
        for row in rows(shared_db, query, names)
        for each in re.finditer(written, row["written"])
        for value in each.groups()
        if value is not None
    }
    assert {"WON", "DONATED", "ARRIVED", "EVIDENCE", "TAKING_IN"} <= {value for value, _ in found}
    assert sorted((value, place) for value, place in found if value not in CODES) == []
    said = one(shared_db, "select pg_get_viewdef('report.unattached_payment'::regclass)")
    assert all(f"'{each}'::text" in said for each in SAID)


def test_numbers_and_days_are_written_as_the_language_does() -> None:
    nb, en = Words("nb"), Words("en")
    assert re.fullmatch(r"[-−]1\s234\s567,50", nb.money(Decimal("-1234567.5")))
    assert en.money(Decimal("1234567.5")) == "1,234,567.50"
    assert nb.money(Decimal("0.000001")) == "0,000001"
    assert nb.day(date(2031, 10, 5)) == "5. okt. 2031"
    assert nb.value("commission_rate", Decimal("0.3")).replace("\u00a0", " ") == "30 %"
    assert nb.value("event_name", "SALE") == "SALE"
    assert nb.value("kind", "SALE") == "salg"


# --- The command line -----------------------------------------------------------------------------------------------


@pytest.fixture
def pybridge(monkeypatch: pytest.MonkeyPatch, house: House) -> Callable[..., Result]:
    monkeypatch.setenv("DATABASE_URL", url(house.db))
    return lambda *arguments: CliRunner().invoke(app, [str(each) for each in arguments])


@pytest.mark.parametrize("report", REPORTS)
def test_a_report_is_written_as_a_page(pybridge: Callable[..., Result], tmp_path: Path, report: str) -> None:
    for lang in pages.LANGUAGES:
        file = tmp_path / f"{lang}.html"
        written = pybridge("report", report, "--from", "2000-01-01", "--html", file, "--lang", lang)
        assert written.exit_code == 0, written.output
        document = html.document_fromstring(file.read_text("utf-8"))
        assert document.findtext(".//h1") == Words(lang)(pages.PAGES[report].title)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["en.html", "nb.html"]


def test_what_is_typed_wrongly_is_refused_and_writes_nothing(pybridge: Callable[..., Result], tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    for arguments in (
        ("report", "settlement", "--html", file, "--csv"),
        ("report", "settlement", "--html", tmp_path / "none" / "page.html"),
        ("report", "settlement", "--html", file, "--lang", "sv"),
        ("report", "page", "nothing", "--html", file),
        ("report", "page", "statement", "--html", file, "--ask", "month=May"),
        ("report", "page", "statement", "--html", file, "--ask", "month"),
    ):
        refused = pybridge(*arguments)
        assert refused.exit_code == 2, arguments
    assert list(tmp_path.iterdir()) == []
    assert pybridge("report", "page", "statement", "--html", file, "--ask", "month=2031-05").exit_code == 0
    assert file.is_file()


LONG_AGO = (date(2001, 1, 1), date(2001, 1, 2))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "site"
    assert [each.name for each in tmp_path.iterdir()] == ["site"]  # nothing is left beside it


def links(folder: Path) -> dict[str, set[str]]:
    return {
        file.name: {
            href for href in html.document_fromstring(file.read_text("utf-8")).xpath("//a/@href") if href[0] != "#"
        }
        for file in folder.glob("*.html")
    }


def test_a_site_has_every_page_and_no_link_leads_nowhere(folder: Path, house: House) -> None:
    site.build(house.db, folder, house.today, MONTH + timedelta(days=30), "nb")
    found = links(folder)
    assert {f"{name}.html" for name in pages.PAGES.keys() - {"own-statement"}} <= found["index.html"]
    assert set().union(*found.values()) <= found.keys()
    assert found.keys() - set().union(*found.values()) == set()
    assert f"event-sales-event-{house.revue.event}.html" in found
    assert f"statement-month-2031-05-01-profile-{house.advertiser}.html" in found
    assert all(re.fullmatch(r"[a-z0-9_-]+\.html", file) for file in found)  # no seller's name gets into a path
    rows_said = {
        about(html.document_fromstring(file.read_text("utf-8")))["Loggen til og med"] for file in folder.glob("*.html")
    }
    assert len(rows_said) == 1


def test_a_site_takes_the_place_of_an_earlier_one_whole_or_not_at_all(
    folder: Path, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.build(house.db, folder, *LONG_AGO, "nb")
    old = folder / "old.html"
    old.write_text("a page that the next site does not have", "utf-8")
    with (folder / site.MARK).open("a", encoding="utf-8") as mark:
        mark.write("old.html\n")
    before = {each.name: each.read_bytes() for each in folder.iterdir()}

    def broken(*_: Any, **__: Any) -> str:
        raise RuntimeError("in the middle")

    with monkeypatch.context() as patch:
        patch.setattr(site, "render_index", broken)
        with pytest.raises(RuntimeError):
            site.build(house.db, folder, None, None, "en")
    assert {each.name: each.read_bytes() for each in folder.iterdir()} == before
    site.build(house.db, folder, *LONG_AGO, "en")
    assert 'lang="en"' in (folder / "index.html").read_text("utf-8")
    assert {each.name for each in folder.iterdir()} == before.keys() - {"old.html"}


def test_a_folder_with_anything_else_in_it_is_left_alone(
    folder: Path, house: House, pybridge: Callable[..., Result]
) -> None:
    folder.mkdir()
    (folder / "mine.txt").write_text("mine", "utf-8")
    refused = pybridge("site", "--out", folder, "--from", "2001-01-01", "--to", "2001-01-02")
    assert refused.exit_code == 1
    assert "mine.txt" in refused.stderr
    assert (folder / "mine.txt").read_text("utf-8") == "mine"
    (folder / "mine.txt").unlink()
    assert pybridge("site", "--out", folder, "--from", "2001-01-01", "--to", "2001-01-02").exit_code == 0
