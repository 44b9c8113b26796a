"""The functions of the database, typed: each is a method of its name, its arguments named without their `p_`.

    with psycopg.connect(...) as connection:
        sold = Client(connection).create_purchase(sale_channel="STAND", price_groups=[7], counts=[2],
                                                  seller="kari", payment_methods=["CARD"])

Those of schema `billig` are the client's own, those of the others stand under the schema's name, such as
`Client(connection).bank.match_open()`. A function that returns rows gives a list of dataclasses, one of them for each
function. The connection and its transactions are the caller's. A refusal is raised as one of `pybridge.errors`.
"""

from typing import TYPE_CHECKING

from pybridge.client.billig import Billig
from pybridge.client.billig import CheckProgrammeRow as Problem

if TYPE_CHECKING:
    from pybridge.client.bank import Bank
    from pybridge.client.books import Books
    from pybridge.client.deploy import Deploy
    from pybridge.client.jobs import Jobs
    from pybridge.client.marketplace import Marketplace
    from pybridge.client.report import Report

__all__ = ["Client", "Problem"]


class Client(Billig):
    """Calls over a connection of the caller's own."""

    @property
    def bank(self) -> "Bank":
        from pybridge.client.bank import Bank

        return Bank(self.connection)

    @property
    def books(self) -> "Books":
        from pybridge.client.books import Books

        return Books(self.connection)

    @property
    def deploy(self) -> "Deploy":
        from pybridge.client.deploy import Deploy

        return Deploy(self.connection)

    @property
    def jobs(self) -> "Jobs":
        from pybridge.client.jobs import Jobs

        return Jobs(self.connection)

    @property
    def marketplace(self) -> "Marketplace":
        from pybridge.client.marketplace import Marketplace

        return Marketplace(self.connection)

    @property
    def report(self) -> "Report":
        from pybridge.client.report import Report

        return Report(self.connection)
