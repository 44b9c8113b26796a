"""Reports as pages that people look at: whole HTML documents that fetch nothing, for the screen and for paper.

    render(connection, "settlement", {"seller": "kari"}, lang="nb", link=lambda name, values: "")

A page reads views of schemas report and consistency with the rights of its connection, in one snapshot, and says up to
which row of the log. What PostgreSQL refuses is refused: no page comes of it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal

import jinja2
import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from pybridge.errors import BadArgument, NotFound
from pybridge.reports import known, tables
from pybridge.reports.columns import N_
from pybridge.reports.declared import DAYS, FILTERS, REPORTS, Declared
from pybridge.web.pages.blocks import Context, Link, Section
from pybridge.web.pages.content import bank, house, marketplace, tickets, tills
from pybridge.web.pages.content.asking import sections_of
from pybridge.web.pages.words import LOCALES, Words

__all__ = ["LANGUAGES", "PAGES", "Page", "Parameter", "environment", "no_link", "render", "render_index"]

LANGUAGES = tuple(LOCALES)
TEMPLATES = Path(__file__).parent / "templates"
INT, BIGINT = 2**31 - 1, 2**63 - 1


@dataclass(frozen=True)
class Parameter:
    """What a page may be asked by. Every one may be left out: then its default holds, and None is "all"."""

    title: str  # a message, to be translated
    type: Literal["text", "number", "day", "month", "yes"]
    default: str | bool | None = None
    most: int = BIGINT

    def read(self, name: str, text: str) -> Any:
        """The value that was written; "" is the default."""
        if text == "":
            return self.default
        try:
            if self.type == "text":
                if "\x00" in text:
                    raise ValueError
                text.encode()  # half a surrogate is not text
                return text
            if self.type == "number":
                number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1
                if not 0 <= number <= self.most:
                    raise ValueError
                return number
            if self.type == "yes":
                return {"yes": True, "no": False}[text]
            return date.fromisoformat(f"{text}-01" if self.type == "month" and len(text) == 7 else text)
        except (ValueError, KeyError):
            wanted = {
                "text": "text", "number": f"a whole number up to {self.most}", "day": "a day, such as 2026-02-28",
                "month": "a month, such as 2026-02", "yes": "yes or no",
            }[self.type]  # fmt: skip
            raise BadArgument(
                f"{name} is not what it should be", f"{name}: {text[:80]!r}.", f"Write {wanted}."
            ) from None


PERIOD = {"from": Parameter(N_("From"), "day"), "to": Parameter(N_("To"), "day")}
CASH_POINT = {"cash_point": Parameter(N_("Cash point"), "number", most=INT)}
Z_NUMBER = {"z_number": Parameter(N_("Z report"), "number", most=INT)}


@dataclass(frozen=True)
class Page:
    """A page that there is; `title` and `lead` are messages, to be translated."""

    name: str
    title: str
    lead: str  # what it tells, in a sentence
    parameters: Mapping[str, Parameter]
    sections: Callable[[Context], list[Section]]
    group: str
    wide: bool = False  # printed across the paper
    today: bool = False  # asked for nothing in particular, it is about today
    personal: bool = False  # of who looks, and so in nobody's site

    def read(self, values: Mapping[str, str]) -> dict[str, Any]:
        """The values of all parameters."""
        unknown = sorted(values.keys() - self.parameters.keys())
        if unknown:
            raise BadArgument(
                f"the page {self.name} has no {unknown[0]}",
                f"Given: {', '.join(sorted(values))}.",
                f"It has: {', '.join(self.parameters) or 'nothing to ask by'}.",
            )
        read = {name: each.read(name, values.get(name, "")) for name, each in self.parameters.items()}
        first, last = read.get("from"), read.get("to")
        if first and last and first > last:
            raise BadArgument(
                "the period ends before it begins", f"From {first} to {last}.", "Give the first day first."
            )
        return read


TICKETS, BANK, MARKET, HOUSE = N_("Tickets"), N_("Bank"), N_("Marketplace"), N_("Operations")
SECTIONS = {  # of reports whose page shows more than their rows
    "settlement": tills.settlement,
    "sessions": tills.sessions,
    "vat-project": tickets.vat_project,
    "project-day": tickets.project_day,
    "event-sales": tickets.event_sales,
    "open-items": tickets.open_items,
}


def _of_report(report: Declared) -> Page:
    """The page of a report that is declared."""
    parameters: dict[str, Parameter] = {}
    for name in report.filters:
        if name == DAYS:
            parameters |= PERIOD
            continue
        asked = FILTERS[name]
        if asked.type is bool:
            parameters[name] = Parameter(asked.title, "yes", False)
        elif asked.type is int:
            parameters[name] = Parameter(asked.title, "number", most=BIGINT if asked.is_long else INT)
        else:
            parameters[name] = Parameter(asked.title, "text")
    sections = SECTIONS.get(report.name) or sections_of(report.name)
    return Page(report.name, report.title, report.lead, parameters, sections, TICKETS, report.wide, report.today)


PAGES: dict[str, Page] = {
    page.name: page
    for page in (
        *map(_of_report, REPORTS.values()),
        Page("x-report", N_("X report"),
             N_("What each cash point has sold since its last Z report. Nothing is set to zero."),
             CASH_POINT, tills.x_report, TICKETS),
        Page("z-report", N_("Z report"),
             N_("The end of each cash point's day, numbered without a gap. What was reported never changes."),
             CASH_POINT | Z_NUMBER | PERIOD, tills.z_report, TICKETS),
        Page("bank", N_("Bank reconciliation"),
             N_("Goods out against what the bank says came in: matched, missing, and unaccounted for."),
             PERIOD, bank.bank, BANK, wide=True),
        Page("statement", N_("Monthly statement"),
             N_("What a profile's advertisements cost and its websites earned, and when the net was charged or paid."),
             {"profile": Parameter(N_("Profile"), "number"), "month": Parameter(N_("Month"), "month")} | PERIOD,
             marketplace.statement, MARKET, wide=True),
        Page("own-statement", N_("My statements"),
             N_("What your advertisements cost and your websites earned, and when the net was charged or paid."),
             {"month": Parameter(N_("Month"), "month")} | PERIOD,
             marketplace.own_statement, MARKET, wide=True, personal=True),
        Page("clicks", N_("Clicks"),
             N_("Clicks by advertisement and by website over time: what they cost, and the publishers' share."),
             {"profile": Parameter(N_("Profile"), "number")} | PERIOD, marketplace.clicks, MARKET),
        Page("jobs", N_("Jobs and verification"),
             N_("What was run, how it went, and what the verification of closed months found."),
             {"job": Parameter(N_("Job"), "text")} | PERIOD, house.jobs, HOUSE,
             wide=True),
        Page("consistency", N_("Consistency"),
             N_("Every check that the books agree with themselves. A row found is a fault."),
             {}, house.consistency, HOUSE),
    )
}  # fmt: skip


def no_link(name: str, values: Mapping[str, str]) -> str:
    """For a page that stands alone."""
    return ""


def render(connection: psycopg.Connection[Any], name: str, values: Mapping[str, str], *, lang: str, link: Link) -> str:
    """A whole HTML document. `link` gives the address of another page with its values, "" where there is none; page
    `index` is the list of all.

    In a transaction of its own, or in the caller's, which must be at repeatable read. 22023 for values that are not
    what the page takes, P0002 for an unknown page, seller, event, ...; PostgreSQL's own refusal where the role may
    not read.
    """
    page = PAGES.get(name)
    if page is None:
        raise NotFound("there is no such page", f"Page: {name[:80]!r}.", f"There are: {', '.join(PAGES)}.")
    words = Words(lang)
    read = page.read(values)
    with _snapshot(connection):
        if page.today and all(value is None for value in (read["from"], read["to"], read["session"])):
            read["from"] = read["to"] = tables.today(connection)
        known.check(connection, read)
        context = Context(connection, read, words, link)
        sections = page.sections(context)
        about = [*_covers(words, page, read, context.about), *_made(connection, words)]
    return (
        environment(lang)
        .get_template("page.html.j2")
        .render(
            lang=lang,
            title=words(page.title),
            lead=words(page.lead),
            about=about,
            sections=sections,
            wide=page.wide,
            home=link("index", {}),
        )
    )


def render_index(
    connection: psycopg.Connection[Any],
    entries: Iterable[tuple[str, Mapping[str, str], str]],
    values: Mapping[str, str],
    *,
    lang: str,
) -> str:
    """The list of pages: name, values and address of each; `values`: the period they are of."""
    words = Words(lang)
    groups: dict[str, list[tuple[str, str, str]]] = {}
    for name, asked, href in entries:
        page = PAGES[name]
        more = ", ".join(
            f"{words(page.parameters[key].title)} {_shown(words, page.parameters[key], value)}"
            for key, value in page.read(asked).items()
            if key in asked and key not in ("from", "to") and value is not None
        )
        title = words(page.title)
        groups.setdefault(words(page.group), []).append(
            (f"{title}: {more}", href, "") if more else (title, href, words(page.lead))
        )
    period = Page("index", "", "", PERIOD, lambda _: [], "")
    with _snapshot(connection):
        about = [*_covers(words, period, period.read(values), {}), *_made(connection, words)]
    return environment(lang).get_template("index.html.j2").render(
        lang=lang, title=words("Reports"), lead="", about=about, groups=list(groups.items()), wide=False, home=""
    )  # fmt: skip


@contextmanager
def _snapshot(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """One snapshot for everything on a page: the caller's, or that of a transaction of the page's own."""
    kept = connection.row_factory
    connection.row_factory = tuple_row
    try:
        if connection.info.transaction_status == TransactionStatus.IDLE:
            with connection.transaction(force_rollback=True):
                connection.execute("set transaction isolation level repeatable read read only")
                yield
        else:
            level = connection.execute("show transaction_isolation").fetchone()
            if level != ("repeatable read",):
                raise ValueError("a page needs a transaction at repeatable read, or none")
            yield
    finally:
        connection.row_factory = kept


def _covers(words: Words, page: Page, values: Mapping[str, Any], called: Mapping[str, str]) -> list[tuple[str, str]]:
    """What was asked for, in words."""
    said = []
    if "from" in page.parameters and called.get("from") != "":
        first, last = values["from"], values["to"]
        if first is None and last is None:
            covered = words("all days")
        elif first == last:
            covered = words.day(first)
        elif last is None:
            covered = words("from {first}", first=words.day(first))
        elif first is None:
            covered = words("until {last}, inclusive", last=words.day(last))
        else:
            covered = words("{first} to {last}, inclusive", first=words.day(first), last=words.day(last))
        said.append((words("Period"), covered))
    return said + [
        (words(parameter.title), called.get(name) or _shown(words, parameter, values[name]))
        for name, parameter in page.parameters.items()
        if name not in ("from", "to") and values[name] not in (None, False)
    ]


def _shown(words: Words, parameter: Parameter, value: Any) -> str:
    if parameter.type == "month":
        return words.month(value)
    return words.value("", value)


def _made(connection: psycopg.Connection[Any], words: Words) -> list[tuple[str, str]]:
    """When the page was made, by whom, of which database, and, for who may see it, up to which row of its log."""
    tables.prepare(connection)
    found = connection.execute(
        """
        select now(), session_user::text, current_user::text, current_database()::text,
            has_schema_privilege('report', 'usage')
        """
    ).fetchone()
    assert found is not None
    made, session, current, database, reads = found
    role = session if session == current else words("{session} as {current}", session=session, current=current)
    said = [(words("Made"), words.moment(made)), (words("By role"), role), (words("Database"), database)]
    if reads:
        row = connection.execute("select transaction_log from report.log_position").fetchone()
        position = None if row is None else row[0]
        upto = words("the log is empty") if position is None else words("row {number}", number=position)
        said.append((words("The log up to"), upto))
    return said


@cache
def environment(lang: str) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["_"] = Words(lang)
    return environment
