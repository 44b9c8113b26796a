"""What a view says it is to be asked by reaches every branch of it: a branch of another type keeps a condition out."""

import re

from tests.conftest import Connection
from tests.support.domain import rows, run


def kept_out(db: Connection) -> set[tuple[str, str]]:
    """Views with the days that they say they are asked by (`Ask by ...`), whose condition is only met above a union."""
    found = set()
    asked = rows(
        db,
        """
        select c.oid::regclass::text as view, a.attname as column
        from pg_class as c
        inner join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and a.atttypid = 'date'::regtype
        where
            c.relkind = 'v' and c.relnamespace::regnamespace::text = any ('{report,billig,books,bank,public}')
            and obj_description(c.oid) ~ ('Ask by [^.]*\\m' || a.attname || '\\M')
        """,
    )
    assert len(asked) >= 15, "or the comments are written otherwise"
    for row in asked:
        query = f"explain (costs off) select * from {row['view']} where {row['column']} = date '2026-01-31'"
        plan = "\n".join(line["QUERY PLAN"] for line in rows(db, query))
        if re.search(rf"Subquery Scan on \S+\n *Filter: .*{row['column']}.*\n *->  (Merge )?Append", plan):
            found.add((row["view"], row["column"]))
    return found


def test_the_day_that_a_view_is_asked_by_reaches_every_branch(db: Connection) -> None:
    assert kept_out(db) == set()
    # the control: one branch is of a domain, so that the union is of another type than it
    run(
        db,
        """
        create view public.mixed as
        select z.business_date from billig.z_report as z
        union all
        select p.transaction_date from billig.transaction_log as p
        """,
    )
    run(db, "comment on view public.mixed is 'Ask by business_date.'")
    assert kept_out(db) == {("mixed", "business_date")}
