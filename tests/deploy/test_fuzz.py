"""Whatever a role may call, it may call with nonsense: it gets an SQLSTATE of docs/errors.md, and nothing changes."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.conftest import Connection
from tests.support import fuzz
from tests.support.domain import consistency


@pytest.fixture(scope="module")
def world(shared_db: Connection, tmp_path_factory: pytest.TempPathFactory) -> Iterator[fuzz.World]:
    with fuzz.roles(shared_db):
        here = fuzz.World(shared_db, tmp_path_factory.mktemp("bank"))
        yield here
        here.close()


def found(db: Connection) -> set[tuple[str, str]]:
    """What the consistency views find, in no order."""
    return {(view, str(row)) for view, lines in consistency(db).items() for row in lines}


def test_odd_calls_are_refused_in_a_word_that_is_documented_and_change_nothing(
    world: fuzz.World, request: pytest.FixtureRequest
) -> None:
    calls, seed = (int(request.config.getoption(f"--fuzz-{what}")) for what in ("calls", "seed"))
    promised = fuzz.documented()
    helpers = {f.name for found in world.functions.values() for f in found if f.is_helper}
    began = found(world.db)  # what the house itself has that is odd
    made = fuzz.Fuzz(world, seed)
    wrong: dict[str, fuzz.Outcome] = {}
    seen: Counter[str | None] = Counter()
    for _ in range(calls):
        outcome = made.one()
        seen[outcome.sqlstate] += 1
        name = outcome.call.removeprefix("select * from ").partition("(")[0]
        if fuzz.unlike(outcome, name in helpers, promised):
            wrong.setdefault(f"{name} {outcome.sqlstate} {outcome.said[:60]}", outcome)
    assert wrong == {}, "\n".join(f"{o.sqlstate} {o.role}: {o.call[:400]}\n    {o.said[:500]}" for o in wrong.values())
    assert found(world.db) == began
    assert seen[None] > calls / 20, seen  # some calls are sensible
    assert len(seen) > 8, seen  # and refusals are of many kinds


def test_the_look_sees_what_was_written_and_what_was_not_is_not_blamed(world: fuzz.World) -> None:
    promised = fuzz.documented()
    seller = world.connections["fuzz_bookkeeper"]
    before, _ = fuzz.look(world.db)
    _, sqlstate, _ = fuzz.made(seller, "billig.register_seller", {"p_seller": ("kari ", "text")})
    before, has_written = fuzz.look(world.db, before)
    assert (sqlstate, has_written) == ("22023", False)
    _, sqlstate, _ = fuzz.made(seller, "billig.register_seller", {"p_seller": ("somebody new", "text")})
    assert (sqlstate, fuzz.look(world.db, before)[1]) == (None, True)
    # The controls: a refusal that wrote, one without a word, one that shows a row.
    for found in (
        fuzz.Outcome("fuzz_web", "", "22023", "", has_written=True),
        fuzz.Outcome("fuzz_web", "", "23502", "", has_written=False),
        fuzz.Outcome("fuzz_web", "", "22023", "Failing row contains (1).", has_written=False),
    ):
        assert fuzz.unlike(found, function_is_helper=False, promised=promised)
