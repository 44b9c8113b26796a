"""What functions set for the sake of their plans, and what plans do not do row by row."""

from typing import Any

from tests.conftest import Connection
from tests.support.domain import MIDDLE_RATE, make_event, one, sell


def test_a_function_that_forbids_a_kind_of_plan_is_never_compiled(shared_db: Connection) -> None:
    # Up to PostgreSQL 17 a forbidden step that cannot be avoided costs 10^10, far above jit_above_cost: each call of
    # ticket_log_update then took 3.6 seconds to compile.
    forbidding = shared_db.execute(
        """
        select p.oid::regprocedure::text, 'jit=off' = any (p.proconfig)
        from pg_proc as p
        where
            p.pronamespace::regnamespace::text in ('books', 'billig', 'marketplace', 'bank', 'jobs')
            and exists (select from unnest(p.proconfig) as c where c ~ '^enable_.*=off$')
        """
    ).fetchall()
    assert "billig.ticket_log_update()" in {name for name, _ in forbidding}
    assert [name for name, is_off in forbidding if not is_off] == []


def _loops(node: dict[str, Any], relation: str) -> int:
    """How often a table was looked into, all places of a plan together."""
    own = int(node["Actual Loops"]) if node.get("Relation Name") == relation else 0
    return own + sum(_loops(each, relation) for each in node.get("Plans", ()))


def test_the_term_of_vat_is_not_looked_up_for_each_ticket(db: Connection) -> None:
    event = make_event(db, project_vat_code=MIDDLE_RATE, num=1000, ticket_limit=1000)
    looked_up = []
    for count in (10, 400):
        sell(db, event.price_group, count, methods=["CARD"])
        (plan,) = one(
            db,
            "explain (analyze, format json) select sum(vat_amount) from billig.vat_row"
            " where vat_date = billig.local_time()::date",
        )
        looked_up.append(_loops(plan["Plan"], "vat_term"))
    assert looked_up[0] == looked_up[1] > 0
