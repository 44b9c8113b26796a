"""What functions set for the sake of their plans."""

from tests.conftest import Connection


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
