"""ARCHITECTURE.md and CONTRIBUTING.md name what there is, and draw it as the database has it."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from typer.main import get_command

from pybridge.cli.main import Lazy, app
from pybridge.deploy.catalogue import SCHEMAS
from pybridge.paths import CHECKOUT
from tests.conftest import Connection
from tests.support import pages
from tests.support.domain import make_event, one, rows

ARCHITECTURE = CHECKOUT / "ARCHITECTURE.md"
BOTH = [ARCHITECTURE, CHECKOUT / "CONTRIBUTING.md"]
NAMED = re.compile(rf"\b({'|'.join(SCHEMAS)})\.(?!sql\b)(\w+)")  # migrations/0002-books.sql is a file
FOLDERS = ("pybridge", "db", "migrations", "docs", "examples", "tests", "bench")
MAKE_CHECKOUTS = {"tests/deploy/test_deploy.py"}
INSTALLED = (".venv/", "/tmp/")  # made by `make`, or by whoever reads


def spans(page: Path) -> Iterator[str]:
    """What stands between backticks, and the lines of indented blocks."""
    for token in pages.tokens(page.read_text("utf-8")):
        yield from (child.content for child in token.children or () if child.type == "code_inline")
        if token.type == "code_block":
            yield from token.content.splitlines()


def cells(heading: str) -> list[list[str]]:
    """The rows of the table under this head."""
    table = ARCHITECTURE.read_text("utf-8").partition(heading)[2].partition("\n\n")[0].strip().splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[1:]]


def diagrams() -> list[dict[tuple[str, str], set[str]]]:
    """Of each state diagram the steps, and the names on them."""
    step = re.compile(r"^    (\S+) --> (\S+?)(?:: (.*))?$", re.M)
    return [
        {(begin, end): set(names.split(", ")) - {""} for begin, end, names in step.findall(block.code)}
        for block in pages.blocks(ARCHITECTURE.read_text("utf-8"))
        if block.language == "mermaid"
    ]


@pytest.mark.parametrize("page", BOTH, ids=lambda page: page.name)
def test_every_path_that_is_named_is_there(page: Path) -> None:
    paths = {
        word.rstrip(",")
        for span in spans(page)
        for word in span.split(" #")[0].split()
        if "/" in word and not word.rpartition("=")[2].startswith(INSTALLED)
    }
    assert len(paths) > 3
    assert [path for path in sorted(paths) if not any(CHECKOUT.glob(re.sub(r"<\w+>", "*", path).rstrip("/")))] == []


def test_what_a_file_says_of_another_is_true_after_a_move() -> None:
    """Docs, comments and COMMENTs; tests/deploy makes checkouts of its own, with files of its own."""
    named = re.compile(rf"(?<![\w/.-])((?:{'|'.join(FOLDERS)})/[\w/.-]*\w\.(?:py|sql|md|toml|po|csv|j2|pl))\b")
    read, gone = 0, set()
    for folder in (*FOLDERS, "."):
        for path in (CHECKOUT / folder).glob("*" if folder == "." else "**/*"):
            name = path.relative_to(CHECKOUT).as_posix()
            if path.suffix in {".py", ".sql", ".md", ".toml", ".j2"} and name not in MAKE_CHECKOUTS:
                found = named.findall(path.read_text("utf-8"))
                read += len(found)
                gone |= {f"{name}: {each}" for each in found if not (CHECKOUT / each).exists()}
    assert gone == set()
    assert read > 60


def test_every_table_view_function_and_column_that_is_named_is_there(shared_db: Connection) -> None:
    text = ARCHITECTURE.read_text("utf-8")
    objects = {
        f"{row['schema']}.{row['name']}"
        for row in rows(
            shared_db,
            "select relnamespace::regnamespace::text as schema, relname::text as name from pg_class"
            " union select pronamespace::regnamespace::text, proname::text from pg_proc",
        )
    }
    named = {".".join(found) for span in spans(ARCHITECTURE) for found in NAMED.findall(span)}
    assert len(named) > 35
    assert sorted(named - objects) == []
    columns = {
        (table, column)
        for table, listed in re.findall(r"`(\w+\.\w+)`: ((?:`\w+`(?:, )?)+)", text)
        for column in re.findall(r"\w+", listed)
    }
    assert len(columns) > 5
    for table, column in sorted(columns):
        assert one(
            shared_db,
            "select exists (select from pg_attribute where attrelid = %s::regclass and attname = %s)",
            table, column,
        ), (table, column)  # fmt: skip


@pytest.mark.parametrize("page", BOTH, ids=lambda page: page.name)
def test_every_command_that_is_named_is_there(page: Path) -> None:
    said = {tuple(words.split()) for span in spans(page) for words in re.findall(r"\bpybridge((?: [a-z]+)+)", span)}
    assert said
    for words in said:
        command = get_command(app)
        for word in words:
            commands = getattr(command.load() if isinstance(command, Lazy) else command, "commands", {})
            assert word in commands, words
            command = commands[word]


def test_the_doors_of_schemas_are_those_of_the_tables(shared_db: Connection) -> None:
    said = {
        row[0].strip("`"): set(re.findall(r"`(\w+)`", row[2]))
        for row in cells("| schema | holds | its tables refer to |")
    }
    assert set(said) == set(SCHEMAS)
    keys = rows(
        shared_db,
        "select distinct c.relnamespace::regnamespace::text as child, p.relnamespace::regnamespace::text as parent"
        " from pg_constraint as f"
        " inner join pg_class as c on f.conrelid = c.oid inner join pg_class as p on f.confrelid = p.oid"
        " where f.contype = 'f' and c.relnamespace <> p.relnamespace",
    )
    # What billig ties to books stands there, and is of billig's own migration.
    assert {(schema, other) for schema, others in said.items() for other in others} == {
        (key["child"], key["parent"]) for key in keys if key["child"] != "books"
    }


def test_the_diagram_of_a_ticket_has_every_type_of_the_log(shared_db: Connection) -> None:
    ticket, _, _ = diagrams()
    types = {row["transaction_type_name"] for row in rows(shared_db, "select * from billig.transaction_type")}
    assert set().union(*ticket.values()) == types
    taking = {
        row["transaction_type_name"]
        for row in rows(shared_db, "select * from billig.transaction_type where seats = 1 or kind = 'SALE'")
    }
    into = [names for (begin, end), names in ticket.items() if begin == "[*]" or (end == "paid" and begin != "paid")]
    assert set().union(*into) - {"TICKET_UNUSED"} == taking


def test_the_diagram_of_an_attempt_is_the_table_of_steps(shared_db: Connection) -> None:
    _, attempt, _ = diagrams()
    steps: dict[tuple[str, str], set[str]] = {}
    for row in rows(shared_db, "select * from marketplace.attempt_step where from_state <> to_state"):
        steps.setdefault((row["from_state"] or "[*]", row["to_state"]), set()).add(row["event"])
    assert attempt == steps


def test_the_diagram_of_a_match_has_the_states_of_the_report_and_functions_of_the_bank(shared_db: Connection) -> None:
    _, _, match = diagrams()
    definition = one(shared_db, "select pg_get_viewdef('report.bank_match'::regclass)")
    assert {state for step in match for state in step} - {"[*]"} == set(re.findall(r"'([A-Z]+)'::text", definition))
    functions = "select distinct proname::text as name from pg_proc where pronamespace = 'bank'::regnamespace"
    assert set().union(*match.values()) <= {row["name"] for row in rows(shared_db, functions)}


FIGURES = {
    "a web sale ({} minutes)": "select extract(minute from hold_for)::int from billig.sale_channel"
    " where sale_channel = 'NET'",
    "a reservation (until {} minutes before": "select extract(minute from hold_until_before_event)::int"
    " from billig.sale_channel where sale_channel = 'RESERVATION'",
    "; {} if that is null": "select max(ticket_limit) from billig.offer",
    "the commission ({} %)": "select trim_scale(100 * rate) from marketplace.commission_rate",
    "charged (NOK {})": "select trim_scale(amount) from marketplace.minimum_amount where direction = 'CHARGE'",
    "paid (NOK {})": "select trim_scale(amount) from marketplace.minimum_amount where direction = 'PAYOUT'",
    "charged (the {}st)": "select day_of_month from marketplace.execution_day where kind = 'CHARGE'",
    "paid (the {}th)": "select day_of_month from marketplace.execution_day where kind = 'PAYOUT'",
    "(after {} days)": "select regexp_replace(string_agg(extract(day from wait)::text, ', ' order by declined),"
    " ', (\\d+)$', ' and \\1')"
    " from marketplace.retry_rule where kind = 'CHARGE'",
}


def test_figures_in_brackets_are_those_of_a_new_database(db: Connection) -> None:
    make_event(db, ticket_limit=None)
    text = ARCHITECTURE.read_text("utf-8")
    said = {words: words.format(one(db, query)) for words, query in FIGURES.items()}
    assert [words for words in said.values() if words not in text] == []


def test_forty_rules_and_more_have_a_place_each() -> None:
    text = ARCHITECTURE.read_text("utf-8").partition("## Where do I change")[2]
    asked = re.findall(r"^\| (?!what \||---)(.+?) \| .*`", text, re.M)
    assert len(asked) >= 40
    assert [first for first, second in pairwise(sorted(asked)) if first == second] == []
