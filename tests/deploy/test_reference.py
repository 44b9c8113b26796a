"""The reference in docs/reference/ says what the database says."""

import re

from pybridge.deploy.reference import FOLDER, INDEX, SHOWN, render
from tests.conftest import Connection


def test_the_committed_reference_is_what_the_catalogue_gives(db: Connection) -> None:
    committed = {path.name: path.read_text("utf-8") for path in FOLDER.iterdir()}
    given = render(db)
    assert set(committed) == set(given), "a page of no schema, or a schema without a page"
    assert committed == given, "run `make docs` and commit the result"


def test_every_schema_of_the_house_has_a_page_that_the_index_leads_to(db: Connection) -> None:
    given = render(db)
    assert set(given) == {INDEX, *(f"{schema}.md" for schema in SHOWN)}
    assert set(re.findall(r"\]\((\w+\.md)\)", given[INDEX])) == set(given) - {INDEX}


def text(db: Connection) -> str:
    """All of its pages."""
    return "".join(render(db).values())


def test_the_reference_names_every_function_that_clients_may_call(db: Connection) -> None:
    callable_names = db.execute(
        "select distinct p.pronamespace::regnamespace || '.' || p.proname"
        " from pg_proc as p cross join aclexplode(p.proacl) as x"
        " where p.pronamespace in ('billig'::regnamespace, 'books'::regnamespace) and x.grantee <> p.proowner"
    ).fetchall()
    reference = text(db)
    assert len(callable_names) > 10
    for (name,) in callable_names:
        assert f"## `{name}`" in reference


def test_every_foreign_key_is_in_one_diagram_and_none_is_too_large_to_read(db: Connection) -> None:
    found = re.findall(r"^```mermaid\nerDiagram\n(.*?)^```", text(db), re.M | re.S)
    lines = [line.strip() for diagram in found for line in diagram.splitlines() if "--" in line]
    (keys,) = db.execute(
        "select count(*) from pg_constraint as f inner join pg_class as c on f.conrelid = c.oid"
        " where f.contype = 'f' and f.conparentid = 0 and not c.relispartition"
        " and c.relnamespace::regnamespace::text = any (%s)",
        (SHOWN,),
    ).fetchall()[0]
    assert (len(lines), len(set(lines))) == (keys, keys)
    assert keys > 100
    for diagram in found:
        entities = set(re.findall(r'[\w."]+(?= [|}{o]{2}--| : )', diagram))
        assert 1 < len(entities) <= 22, sorted(entities)
        for line in diagram.splitlines():
            assert re.fullmatch(
                r' {4}("\w+\.\w+"|\w+) (\|\||\|o)--(o\{|o\|) \w+ : "[\w, ]+"'
                r"| {4}\w+ \{| {8}\w+ \w+ (PK|FK|PK, FK)| {4}\}",
                line,
            ), line


def test_a_line_says_whether_a_row_must_be_there_and_how_many_may(db: Connection) -> None:
    reference = text(db)
    assert '    event ||--o{ ticket_group_base : "event"' in reference
    assert '    ticket |o--o{ ticket : "replaces"' in reference
    assert '    match ||--o| match_undo : "match"' in reference
    assert '    "billig.payment" |o--o{ expected : "payment"' in reference
