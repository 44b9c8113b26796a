"""The pages of documentation: snippets run and print what they say, links lead somewhere, the index has every page."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from pytest_postgresql.executors import NoopExecutor

from pybridge.files import clicks
from pybridge.paths import ROOT
from tests.conftest import Clone, Connection, Database, ServerInfo
from tests.support import banking, django_at, market, pages
from tests.support.domain import consistency, make_event, make_project, one, rows

DOCS = ROOT / "docs"
README = ROOT / "README.md"
REFERENCE = DOCS / "reference"
WRITTEN = [page for page in sorted(DOCS.rglob("*.md")) if page.parent != REFERENCE]
FRONT = [README, ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md"]
PAGES = [*FRONT, *WRITTEN]
WITH_SNIPPETS = [
    page for page in PAGES if any(block.language in pages.RUN for block in pages.blocks(page.read_text("utf-8")))
]
# What the page of reports shows, and the decisions that the page of execution tells how to make.
SETTLEMENT = {
    "cashier_settlement", "event", "open_items", "payment_by_method", "project_day", "seller_vat_project",
    "ticket_group_sales", "ticket_history", "ticket_payment", "ticket_sales_by_event", "till_session", "transaction",
    "transaction_line", "unattached_payment",
}  # fmt: skip
DECISIONS = (
    "set_payment_means", "retry_transaction", "cancel_attempt", "refund_transaction", "resolve_attempt", "clear_alarm",
    "move_reserve",
)  # fmt: skip
DATABASE = "billig"  # as the pages call it


@pytest.fixture
def runner(
    server: ServerInfo, template: NoopExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[pages.Runner]:
    """Runs snippets on a fresh database; roles and databases that they made are gone afterwards."""
    janitor = Clone(
        user=server.user, host=server.host, port=server.port, password=None,
        dbname=DATABASE, template_dbname=template.template_dbname,
    )  # fmt: skip
    janitor.drop()
    with janitor:
        ready = pages.Runner(server, Database(server.host, server.port, DATABASE), tmp_path, {})
        for variable, value in ready.environment.items():
            monkeypatch.setenv(variable, value)
        for variable in ("DATABASE_URL", "PGSERVICE"):
            monkeypatch.delenv(variable, raising=False)
        monkeypatch.chdir(tmp_path)
        with psycopg.connect(autocommit=True) as db:
            roles = "select array_agg(rolname::text) from pg_roles"
            databases = "select array_agg(datname::text) from pg_database"
            before = one(db, roles), one(db, databases)
            yield ready
            for made in set(one(db, databases)) - set(before[1]):
                db.execute(sql.SQL("drop database {}").format(sql.Identifier(made)))
            for made in set(one(db, roles)) - set(before[0]):
                db.execute(sql.SQL("drop owned by {0}; drop role {0}").format(sql.Identifier(made)))


# --- What pages take for granted ------------------------------------------------------------------------------------


def for_readme(db: Connection) -> Mapping[str, str]:
    """A price group 7, and a connection string."""
    make_event(db, num=100, prices=range(100, 170, 10))
    return {'connect("...")': 'connect("")'}


def for_clicks(db: Connection) -> Mapping[str, str]:
    """Advertisement 17 and website 4; the month before this one in the place of February 2026."""
    today = one(db, "select billig.local_time()::date")
    last_month = today.replace(day=1) - timedelta(days=1)
    market.partitions(db, last_month.replace(day=1), 2)
    profile = market.profile(db)
    ads = [market.advertisement(db, profile) for _ in range(17)]
    sites = [market.website(db, profile) for _ in range(4)]
    assert (ads[-1], sites[-1]) == (17, 4)
    return {"2026-02": f"{last_month:%Y-%m}"}


def for_bank(db: Connection) -> Mapping[str, str]:
    """Sales of some days, and what the bank says of them."""
    event = make_event(db, num=1000)
    for days, count, method in ((6, 6, "CARD"), (5, 4, "CARD"), (3, 5, "CARD"), (4, 8, "VIPPS"), (2, 8, "CASH")):
        banking.sold_on(db, banking.days_ago(days), count, method, event)
    lines: list[banking.Line] = [
        (banking.days_ago(1), Decimal("885.50"), "N1"),
        (banking.days_ago(1), 500, "N2"),
        (banking.days_ago(1), Decimal("785.50"), "V1"),
        (banking.days_ago(1), 77, "X1"),
    ]
    Path("statement.sta").write_text(banking.mt940(lines, texts=["NETS", "NETS", "VIPPS", "LEIE"]))
    return {}


def for_vouchers(db: Connection) -> Mapping[str, str]:
    """Project 1."""
    make_project(db, project=1)
    return {}


def for_django(db: Connection) -> Mapping[str, str]:
    """Clicks can come: there is a partition for them."""
    market.partitions(db, one(db, "select billig.local_time()::date").replace(day=1), 1)
    django_at.point(db.info.host, db.info.port, DATABASE, "site")
    return {}


PREPARED: dict[str, Callable[[Connection], Mapping[str, str]]] = {
    "README.md": for_readme,
    "docs/bank.md": for_bank,
    "docs/clicks.md": for_clicks,
    "docs/howto/django.md": for_django,
    "docs/vouchers.md": for_vouchers,
}


# --- Tests ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=[pytest.mark.smoke] if page.name == "reports.md" else []) for page in WITH_SNIPPETS],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_what_a_page_shows_is_what_happens(page: Path, runner: pages.Runner) -> None:
    text = page.read_text("utf-8")
    for program in ("perl", "php"):
        if f"```{program}\n" in text and not shutil.which(program):
            pytest.skip(f"{program} is missing")
    with psycopg.connect(autocommit=True) as db:
        prepare = PREPARED.get(str(page.relative_to(ROOT)))
        played = pages.play(text, runner, prepare(db) if prepare else {})
        if played != text:
            page.write_text(played, "utf-8")
        assert consistency(db) == {}
        assert one(db, "select count(*) from marketplace.payment_attempt where alarm is not null") == 0


WRONG = {
    "sql that does not run": "```sql\nselect 1 +\n```",
    "sql that prints another thing": "```sql\nselect 1 as a\n```\n\n```text\n a\n---\n 2\n```",
    "sql that should be refused": "```sql refused\nselect 1\n```",
    "a command that there is not": "```sh\npybridge chekc\n```",
    "an option that there is not": "```sh\npybridge check --loud\n```",
    "a command that is refused": "```sh\npybridge till z 1\n```",
    "a command that prints another thing": "```sh\npybridge till status\n```\n\n```text\nA session is open.\n```",
    "a shell's pipe": "```sh\nfalse | cat\n```",
    "python": "```python\nassert 1 + 1 == 3\n```",
    "perl": '```perl\nDBI->connect("dbi:Pg:", undef, undef, { RaiseError => 1 })->do("select 1 +");\n```',
    "php": "```php\n$pdo->query('select 1 +');\n```",
    "a crontab": "```cron\n* * * * *  pybridge job run nothing\n```",
    "a block of unknown language": "```\nselect 1\n```",
    "a reason that is none": "<!-- not run: -->\n```sql\nselect 1 +\n```",
}


def test_a_page_that_is_wrong_fails(
    runner: pages.Runner, monkeypatch: pytest.MonkeyPatch, subtests: pytest.Subtests
) -> None:
    monkeypatch.delenv("PYBRIDGE_WRITE_EXAMPLES", raising=False)
    for what, page in WRONG.items():
        if what in ("perl", "php") and not shutil.which(what):
            continue
        with subtests.test(what), pytest.raises(AssertionError):
            pages.play(page, runner)


def test_what_differs_from_day_to_day_may_be_left_open() -> None:
    assert pages.agrees("on …: 3 sold\n", "on 2026-10-08: 3 sold\n")
    assert not pages.agrees("on …: 3 sold\n", "on 2026-10-08: 4 sold\n")
    assert pages.agrees("first\n…\nlast\n", "first\na\nb\nlast\n")
    assert not pages.agrees("first\n…\nlast\n", "first\na\nb\n")


def test_what_is_left_out_says_why_and_is_little() -> None:
    left_out = [
        f"{page.relative_to(ROOT)}:{block.line}"
        for page in PAGES
        for block in pages.blocks(page.read_text("utf-8"))
        if block.not_run
    ]
    assert len(left_out) <= 12, left_out


def test_code_stands_between_fences() -> None:
    plain = {
        page.name: block.line
        for page in PAGES
        for block in pages.blocks(page.read_text("utf-8"))
        if block.language == pages.PLAIN and page not in FRONT
    }
    assert plain == {}, "an indented block says not what it is, and is not run"
    for page in FRONT:
        commands = re.findall(r"(?:^    |`|=\d+ )make ([\w-]+)", page.read_text("utf-8"), re.M)
        assert commands, page
        subprocess.run(["make", "--dry-run", *commands], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def slug(heading: str) -> str:
    """What GitHub calls the anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-")


def links(page: Path) -> Iterator[str]:
    for token in pages.tokens(page.read_text("utf-8")):
        for child in token.children or ():
            if child.type == "link_open":
                yield str(child.attrs["href"])


def test_every_link_leads_somewhere() -> None:
    dead, count = [], 0
    for page in PAGES:
        for link in links(page):
            if re.match(r"https?:", link):
                continue
            count += 1
            name, _, anchor = link.partition("#")
            target = (page.parent / name).resolve() if name else page
            headings = re.findall(r"^#+ (.*)$", target.read_text("utf-8"), re.M) if target.is_file() and anchor else []
            if not target.exists() or (anchor and anchor not in map(slug, headings)):
                dead.append(f"{page.relative_to(ROOT)}: {link}")
    assert dead == []
    assert count > 50


def test_the_index_has_every_page() -> None:
    indexes = [README, DOCS / "README.md", REFERENCE / "README.md"]
    linked = {(index.parent / link).resolve() for index in indexes for link in links(index)}
    assert [page for page in [*FRONT, *DOCS.rglob("*.md")] if page not in linked] == [README]


def test_decisions_are_numbered_without_a_gap_and_say_when_and_whether_they_hold() -> None:
    decisions = sorted((DOCS / "decisions").iterdir())
    assert [page.name[:5] for page in decisions] == [f"{number:04d}-" for number in range(1, len(decisions) + 1)]
    titles = [re.match(r"# (\d{4})\. .+\n\n", page.read_text("utf-8")) for page in decisions]
    assert [title and title[1] for title in titles] == [page.name[:4] for page in decisions]
    names = "|".join(page.name for page in decisions)
    status = rf"\n\nDate: 20\d\d-\d\d-\d\d\. Status: (accepted|superseded by \[\d{{4}}\]\(({names})\))[.:;, ]"
    assert [page.name for page in decisions if not re.search(status, page.read_text("utf-8"))] == []


def sql_of(page: str) -> list[str]:
    """Its SQL, but what is only made ready for it."""
    found = pages.blocks((DOCS / page).read_text("utf-8"))
    return [block.code for block in found if block.language == "sql" and block.word != "setup"]


def test_every_view_of_the_settlement_has_an_example() -> None:
    assert {name for code in sql_of("reports.md") for name in re.findall(r"\breport\.(\w+)", code)} == SETTLEMENT


def test_the_page_of_execution_names_every_state_hold_alarm_and_decision(shared_db: Connection) -> None:
    page = (DOCS / "execution.md").read_text("utf-8")
    states = {row["to_state"] for row in rows(shared_db, "select distinct to_state from marketplace.attempt_step")}
    comment = one(shared_db, "select obj_description('marketplace.due_transactions(text, timestamptz)'::regprocedure)")
    holds = set(re.findall(r"\b[A-Z]{4,}(?:_[A-Z]+)*\b", comment)) - {"CHARGE", "REFUND", "PAYOUT"}
    alarms = one(
        shared_db,
        "select col_description('marketplace.payment_attempt'::regclass, attnum) from pg_attribute"
        " where attrelid = 'marketplace.payment_attempt'::regclass and attname = 'alarm'",
    )
    names = {*re.findall(r"(\w+) \(", alarms), *DECISIONS, *states, *holds}
    assert {"FUND", "not_found", "REQUIRES_ACTION"} <= names
    assert sorted(name for name in names if name not in page) == []
    shown = "".join(sql_of("execution.md"))
    assert [name for name in DECISIONS if f"marketplace.{name}(" not in shown] == []


def test_the_guide_to_files_of_clicks_names_every_column() -> None:
    guide = (DOCS / "clicks.md").read_text("utf-8")
    assert [column for column in clicks.COLUMNS if f"`{column}`" not in guide] == []
