"""How long anybody waits, and holds others up: set by each deploy on functions and on the database itself.

Settings of a group role are not inherited by its members, and what a client SETs is no bound; so who waits for a lock
inside one of our functions is bounded by a SET clause of that function, and one number stands here for all of them.
"""

from psycopg import errors, sql

from pybridge.deploy import catalogue
from pybridge.deploy.acting import DEPLOYER, OWNER, Acting

LOCK_TIMEOUT = "10s"
IDLE_IN_TRANSACTION = "1min"

# What runs with the owner's rights and may write may wait. A trigger does so as well, for who writes a table directly.
UNBOUNDED = """
select p.oid::regprocedure::text
from pg_proc as p
where
    p.pronamespace::regnamespace::text = any(%s)
    and p.prosecdef and p.provolatile = 'v' and p.prokind = 'f'
    and not coalesce(%s = any(p.proconfig), false)
order by 1
"""

# A large object belongs to no table, so that no right of ours keeps a login from filling the disk with them.
LARGE_OBJECTS = """
select p.oid::regprocedure::text
from pg_proc as p
where
    p.pronamespace = 'pg_catalog'::regnamespace
    and p.proname in ('lo_creat', 'lo_create', 'lo_from_bytea', 'lo_put', 'lowrite', 'lo_open')
    and has_function_privilege('public', p.oid, 'execute')
order by 1
"""

# What somebody has set for all logins of this database stays: it is theirs to decide.
IS_SET = """
select exists (
    select
    from pg_db_role_setting as s
    inner join pg_database as d on s.setdatabase = d.oid
    cross join unnest(s.setconfig) as c (setting)
    where d.datname = current_database() and s.setrole = 0 and c.setting like 'idle_in_transaction_session_timeout=%'
)
"""


def bound_functions(deploy: Acting) -> None:
    """Give each function that may wait the one lock_timeout; loading its file again takes it away."""
    schemas = [schema for schema in catalogue.SCHEMAS if schema != "deploy"]
    found = deploy.cur.execute(UNBOUNDED, [schemas, f"lock_timeout={LOCK_TIMEOUT}"]).fetchall()
    for (function,) in found:
        statement = sql.SQL("alter function {} set lock_timeout = {}")
        deploy.cur.execute(statement.format(sql.SQL(function), sql.Literal(LOCK_TIMEOUT)))


def bound_database(deploy: Acting) -> list[str]:
    """Bound idle transactions and large objects, where the deploying role may; the answer is what it may not."""
    deploy.act(DEPLOYER)
    left: list[str] = []
    statements: list[str] = []
    if not deploy.ask(IS_SET):
        database = deploy.ask("select quote_ident(current_database())")
        statements.append(
            f"alter database {database} set idle_in_transaction_session_timeout = '{IDLE_IN_TRANSACTION}'"
        )
    functions = [name for (name,) in deploy.cur.execute(LARGE_OBJECTS).fetchall()]
    if functions:
        statements.append(f"revoke execute on function {', '.join(functions)} from public")
    for statement in statements:
        try:
            with deploy.conn.transaction():
                deploy.cur.execute(statement.encode())
            if statement.startswith("revoke") and deploy.cur.execute(LARGE_OBJECTS).fetchall():
                left.append(statement)  # who is not their owner is told so by a warning alone
        except errors.InsufficientPrivilege:
            left.append(statement)
    deploy.act(OWNER)
    return left
