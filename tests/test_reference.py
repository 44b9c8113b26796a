"""The reference in docs/ says what the database says."""

from pybridge.paths import ROOT
from pybridge.reference import render
from tests.conftest import Connection


def test_the_committed_reference_is_what_the_catalogue_gives(db: Connection) -> None:
    assert (ROOT / "docs" / "reference.md").read_text("utf-8") == render(db), "run `make docs` and commit the result"


def test_the_reference_names_every_function_that_clients_may_call(db: Connection) -> None:
    callable_names = db.execute(
        "select distinct p.proname from pg_proc as p cross join aclexplode(p.proacl) as x"
        " where p.pronamespace = 'billig'::regnamespace and x.grantee <> p.proowner"
    ).fetchall()
    reference = render(db)
    assert len(callable_names) > 10
    for (name,) in callable_names:
        assert f"### `billig.{name}`" in reference
