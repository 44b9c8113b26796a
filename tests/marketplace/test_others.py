"""What is called for one profile shows and changes nothing of another's: every function that its roles may execute."""

import re
from datetime import date
from itertools import product
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from tests.conftest import Connection
from tests.support import four as people
from tests.support import market
from tests.support.domain import login_role, one, rows, run
from tests.support.four import CHARGED, JANUARY, Four

four = people.four
OTHERS = "the secret of another"
# Functions that are asked for a profile or a transaction: what is asked for, and the arguments that must be said.
ASKED = """
select p.oid::regprocedure::text as signature, p.proname as name, p.provolatile = 'v' as changes,
    array(
        select a.name from unnest(p.proargnames[1:p.pronargs]) with ordinality as a (name, place)
        where a.place <= p.pronargs - p.pronargdefaults or a.name = any ('{p_profile,p_transaction}')
    ) as arguments
from pg_proc as p
where p.pronamespace::regnamespace::text in ('billig', 'marketplace', 'bank', 'books', 'jobs', 'report')
and p.proargnames[1:p.pronargs] && '{p_profile,p_transaction}' and has_function_privilege(%s, p.oid, 'execute')
order by 1
"""
SAID: dict[str, Any] = {
    "p_month": JANUARY, "p_from": JANUARY, "p_to": date(2026, 4, 1), "p_side": "ADVERTISEMENT", "p_step": "month",
    "p_kind": "CHARGE", "p_gateway": "stripe", "p_details": Jsonb({"customer": "cus_9", "payment_method": "pm_9"}),
    "p_rest": "PAY", "p_reason": "as asked", "p_language": "en", "p_limit": 10, "p_advertisement": 1,
}  # fmt: skip


@pytest.fixture
def neighbours(four: Four) -> Four:
    """Two who have as much of everything: names, clicks, corrections with a reason, a closing and a pause."""
    db = four.db
    bots = [four.clicks(each, four.pub, 3)[0] for each in (four.adv, four.adv2)]
    four.close()
    for each, reason in zip(bots, ("a robot", OTHERS), strict=True):
        market.adjust(db, each, reason, CHARGED)
    run(db, "update marketplace.profile set profile_name = %s where profile = %s", OTHERS, four.adv2)
    run(db, "update marketplace.advertisement set advertisement_name = %s where profile = %s", OTHERS, four.adv2)
    return four


def ask(db: Connection, function: dict[str, Any], asked: dict[str, Any]) -> str:
    """Everything that it answers, as text; or the SQLSTATE of its refusal."""
    named = sql.SQL(", ").join(
        sql.SQL("{} => {}").format(sql.Identifier(name), sql.Literal(asked[name] if name in asked else SAID[name]))
        for name in function["arguments"]
    )
    call = sql.SQL("select coalesce(string_agg(f::text, ' '), '') as said from marketplace.{}({}) as f")
    try:
        return str(one(db, call.format(sql.Identifier(function["name"]), named).as_string(db)))
    except psycopg.Error as refused:
        return str(refused.sqlstate)


def test_a_profiles_own_role_is_told_nothing_of_another(neighbours: Four) -> None:
    """Nor by its own number beside a transaction that is another's, nor more of what is there than of what is not."""
    db, mine, theirs = neighbours.db, neighbours.adv, neighbours.adv2
    transactions = {owner: [row["transaction"] for row in rows(db, OF, owner)] for owner in (mine, theirs)}
    functions = rows(db, ASKED, "marketplace_profile")
    assert len(functions) > 12
    assert not any(function["changes"] for function in functions), "it only reads"
    with login_role(db, "marketplace_profile") as name:
        run(db, "update marketplace.profile set login_role = %s where profile = %s", name, mine)
        with psycopg.connect(db.info.dsn, user=name, autocommit=True, row_factory=db.row_factory) as own:
            told = 0
            for function, (profile, numbers) in product(functions, product((mine, theirs), repeat=2)):
                if "p_transaction" not in function["arguments"]:
                    numbers = theirs if profile == theirs else mine
                for number in transactions[numbers]:
                    said = ask(own, function, {"p_profile": profile, "p_transaction": number})
                    alone = "p_profile" not in function["arguments"]
                    about = numbers if alone else theirs if theirs in (profile, numbers) else mine
                    if about == mine:
                        told += said != "" and not said.isupper()
                        continue
                    nobody = ask(own, function, {"p_profile": profile, "p_transaction": 2**40})
                    assert said in ("", "42501", "P0002"), (function["signature"], said)
                    assert said == nobody or profile == theirs, (function["signature"], said, nobody)
        run(db, "update marketplace.profile set login_role = null where profile = %s", mine)
    assert told > 12, "a positive control: of its own it is told"


LEAVES = ("close_account", "reopen_account")  # last: who has left pauses nothing
OF = "select transaction from marketplace.transaction where profile = %s order by 1"
OWNED = """
select c.oid::regclass::text as name from pg_class as c
inner join pg_attribute as a on a.attrelid = c.oid and a.attname = 'profile'
where c.relnamespace = 'marketplace'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition order by 1
"""


def test_what_the_site_asks_or_changes_for_one_profile_is_of_that_alone(neighbours: Four) -> None:
    db, asked_for, other = neighbours.db, neighbours.adv, neighbours.adv2
    tables = [row["name"] for row in rows(db, OWNED)]
    assert len(tables) > 10
    (number,) = [row["transaction"] for row in rows(db, OF, asked_for)][:1]

    def of_others() -> dict[str, str]:
        query = "select coalesce(md5(string_agg(t::text, ' ' order by t::text)), '') from {} as t where t.profile <> %s"
        return {each: str(one(db, query.format(each), asked_for)) for each in tables}

    functions = rows(db, ASKED, "marketplace_web")
    changed = {each["name"] for each in functions if each["changes"]}
    assert changed == {"set_payment_means", "end_payment_means", "pause_clicks", "close_account", "reopen_account"}
    with login_role(db, "marketplace_web") as name, psycopg.connect(
        db.info.dsn, user=name, autocommit=True, row_factory=db.row_factory
    ) as site:  # fmt: skip
        for function in sorted(functions, key=lambda each: (each["name"] in LEAVES, each["name"])):
            before = of_others()
            said = ask(site, function, {"p_profile": asked_for, "p_transaction": number})
            assert OTHERS not in said, function["signature"]
            assert not re.fullmatch("[0-9A-Z]{5}", said), (function["signature"], said)
            assert of_others() == before, function["signature"]
        assert OTHERS in ask(site, {"name": "profile_statement", "arguments": ["p_profile", "p_month"]},
                             {"p_profile": other, "p_month": JANUARY}), "a positive control"  # fmt: skip
