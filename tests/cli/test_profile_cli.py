"""`pybridge profile`: what a person decides, done and undone by its number; refusals are shown as they are."""

import json
import re

from tests.support import four as people
from tests.support import market
from tests.support.cli import Run, run
from tests.support.domain import one
from tests.support.four import Four

__all__ = ["run"]  # a fixture
four = people.four


def test_what_is_done_says_its_number_and_how_it_is_undone(four: Four, run: Run) -> None:
    four.clicks(four.adv, four.pub, 2)
    four.close()
    number = str(market.transaction(four.db, four.adv, people.JANUARY)["transaction"])
    adv, pub, site = str(four.adv), str(four.pub), str(four.sites[four.pub])
    because = ("--reason", "looked at")

    def did(*words: str) -> str:
        said = run(four.db, "profile", *words, *because)
        assert said.exit_code == 0, said.output
        return said.output

    def undone(said: str) -> None:
        found = re.search(r"pybridge profile (\S+) (\d+)", said)
        assert found, said
        did(*found.groups())

    undone(did("settle", number, "written_off", "--request-id", "s"))
    undone(did("goodwill", adv, "12.50", "--request-id", "g"))
    undone(did("fee", adv, "12.50", "--request-id", "f"))
    undone(did("move", site, str(four.both)))
    undone(did("pause", "--website", site))
    did("hold", pub)
    did("release", pub)
    did("end-means", adv, "charge")
    did("close", str(four.adv2), "donate")
    did("reopen", str(four.adv2))
    said = run(four.db, "profile", "show", adv)
    assert "In all 200.00" in said.output, said.output
    told = json.loads(run(four.db, "profile", "show", pub, "--json").output)
    assert told["owed"]["closed_amount"] == "-140.00"


def test_a_refusal_is_shown_with_its_code_and_what_to_do(four: Four, run: Run) -> None:
    adv = str(four.adv)
    for words, code, said in (
        (("erase", adv), 1, f"pybridge profile erase {adv} --yes"),
        (("erase", adv, "--yes"), 1, "23B91"),
        (("release", adv, "--reason", "x"), 1, "P0002"),
        (("hold", adv, "--reason", ""), 1, "22023"),
        (("pause", "--reason", "x"), 1, "22023"),
        (("undo-move", "1", "--reason", "x"), 1, "23B61"),
        (("decide-flag", "1", "dropped", "--reason", "x"), 2, "dropped"),
        (("settle", "0", "REDUCED", "--reason", "x", "--request-id", "r"), 2, "transaction"),
        (("fee", adv, "much", "--reason", "x", "--request-id", "r"), 2, "much"),
        (("hold", adv), 2, "--reason"),
    ):
        told = run(four.db, "profile", *words)
        assert (told.exit_code, said in told.output) == (code, True), (words, told.output)


def test_a_person_who_has_left_is_erased(four: Four, run: Run) -> None:
    gone = str(four.adv2)
    assert run(four.db, "profile", "close", gone, "PAY", "--reason", "asked").exit_code == 0
    said = run(four.db, "profile", "erase", gone, "--yes")
    assert (said.exit_code, "profile: 1 erased" in said.output) == (0, True), said.output
    assert one(four.db, "select profile_name from marketplace.profile where profile = %s", four.adv2) == (
        f"Erased profile {gone}"
    )
