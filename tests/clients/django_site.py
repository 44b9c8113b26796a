"""A site on Django, with models as a site has them: every column of the tables that it knows, none of them managed.

Reads lines of JSON, each a list: the login role, the action, its arguments. Answers each with a line of JSON: what it
found or made, or the refusal's SQLSTATE and message.

    buy PRICE_GROUP COUNT EMAIL     a purchase and its tickets, by Django's own INSERTs
    race PRICE_GROUP SECONDS        one ticket after the other, until there are no more
    read PURCHASE                   everything about it
    touch TICKET                    read and saved, as it is
    refund TICKET REFUNDER PLACE    read, changed and saved, with every column
    use TICKET
    hand_over ERROR PRICE_GROUP     a failed payment
    advertise NAME                  the marketplace: a profile, what it has, and a click
"""

import json
import os
import sys
import time
from datetime import datetime
from typing import Any

import django
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError, connection, models, transaction

settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": os.environ["PGDATABASE"],
            "HOST": os.environ["PGHOST"],
            "PORT": os.environ["PGPORT"],
            "OPTIONS": {"options": "-c search_path=billig,marketplace"},
        }
    },
    USE_TZ=False,
    TIME_ZONE="Europe/Oslo",
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
)
django.setup()


class Table(models.Model):
    class Meta:
        abstract = True
        app_label = "site"
        managed = False


class Event(Table):
    event = models.AutoField(primary_key=True)
    event_name = models.TextField()
    event_location = models.TextField(null=True)
    event_note = models.TextField(null=True)
    event_time = models.DateTimeField(null=True)
    event_type = models.TextField()
    external_id = models.IntegerField(null=True)
    organisation = models.IntegerField()
    a4_ticket_layout = models.IntegerField(null=True)
    receipt_ticket_layout = models.IntegerField(null=True)
    tp_ticket_layout = models.IntegerField(null=True)
    ticket_fee = models.IntegerField()
    dave_id = models.IntegerField(null=True)
    dave_time_id = models.IntegerField(null=True)
    sale_from = models.DateTimeField()
    sale_to = models.DateTimeField()
    hidden = models.BooleanField()

    class Meta(Table.Meta):
        db_table = "event_lim_web"


class TicketGroup(Table):
    ticket_group = models.AutoField(primary_key=True)
    event = models.ForeignKey(Event, models.DO_NOTHING, db_column="event")
    ticket_group_name = models.TextField()
    is_theater_ticket_group = models.BooleanField()
    ticket_limit = models.IntegerField(null=True)
    num = models.IntegerField()
    num_sold = models.IntegerField()

    class Meta(Table.Meta):
        db_table = "ticket_group"


class PriceGroup(Table):
    price_group = models.AutoField(primary_key=True)
    ticket_group = models.ForeignKey(TicketGroup, models.DO_NOTHING, db_column="ticket_group")
    price_group_name = models.TextField()
    price = models.IntegerField()
    can_be_put_on_card = models.BooleanField()
    membership_needed = models.BooleanField()
    netsale = models.BooleanField()

    class Meta(Table.Meta):
        db_table = "price_group"


class Purchase(Table):
    purchase = models.AutoField(primary_key=True)
    owner_member_id = models.IntegerField(null=True)
    owner_email = models.TextField(null=True)

    class Meta(Table.Meta):
        db_table = "purchase"


class Ticket(Table):
    ticket = models.AutoField(primary_key=True)
    price_group = models.ForeignKey(PriceGroup, models.DO_NOTHING, db_column="price_group")
    purchase = models.ForeignKey(Purchase, models.DO_NOTHING, db_column="purchase")
    used = models.DateTimeField(null=True)
    refunded = models.DateTimeField(null=True)
    on_card = models.BooleanField(default=False)
    refunder = models.TextField(null=True)
    point_of_refund = models.IntegerField(null=True)

    class Meta(Table.Meta):
        db_table = "ticket"


class PaymentError(Table):
    error = models.TextField(primary_key=True)
    failed = models.DateTimeField()
    owner_cardno = models.TextField(null=True)
    owner_email = models.TextField(null=True)
    message = models.TextField()

    class Meta(Table.Meta):
        db_table = "payment_error"


class PaymentErrorPriceGroup(Table):
    pk = models.CompositePrimaryKey("error", "price_group")
    error = models.ForeignKey(PaymentError, models.DO_NOTHING, db_column="error")
    price_group = models.ForeignKey(PriceGroup, models.DO_NOTHING, db_column="price_group")
    number_of_tickets = models.IntegerField()

    class Meta(Table.Meta):
        db_table = "payment_error_price_group"


class Profile(Table):
    profile = models.BigAutoField(primary_key=True)
    profile_name = models.TextField()
    login_role = models.TextField(null=True)

    class Meta(Table.Meta):
        db_table = "profile"


class Advertisement(Table):
    advertisement = models.BigAutoField(primary_key=True)
    profile = models.ForeignKey(Profile, models.DO_NOTHING, db_column="profile")
    advertisement_name = models.TextField()

    class Meta(Table.Meta):
        db_table = "advertisement"


class Website(Table):
    website = models.BigAutoField(primary_key=True)
    profile = models.ForeignKey(Profile, models.DO_NOTHING, db_column="profile")
    website_name = models.TextField()

    class Meta(Table.Meta):
        db_table = "website"


class AdClick(Table):
    pk = models.CompositePrimaryKey("profile", "click_time", "ad_click")
    profile = models.ForeignKey(Profile, models.DO_NOTHING, db_column="profile")
    click_time = models.DateTimeField()
    ad_click = models.BigIntegerField(db_default=models.Func(models.Value("ad_click_ad_click_seq"), function="nextval"))
    advertisement = models.ForeignKey(Advertisement, models.DO_NOTHING, db_column="advertisement")
    website = models.ForeignKey(Website, models.DO_NOTHING, db_column="website", null=True)
    publisher = models.BigIntegerField(null=True)
    price = models.DecimalField(max_digits=12, decimal_places=6, null=True)
    commission_rate = models.DecimalField(max_digits=7, decimal_places=6, null=True)
    publisher_share = models.DecimalField(max_digits=12, decimal_places=6, null=True)
    advertisement_charge_transaction = models.BigIntegerField(null=True)
    website_payment_transaction = models.BigIntegerField(null=True)
    excluded_at = models.DateTimeField(null=True)
    excluded_by = models.TextField(null=True)
    excluded_reason = models.TextField(null=True)
    source = models.TextField(null=True)

    class Meta(Table.Meta):
        db_table = "ad_click"


def buy(price_group: str, count: str, email: str) -> dict[str, Any]:
    with transaction.atomic():
        purchase = Purchase.objects.create(owner_email=email)
        tickets = [Ticket.objects.create(price_group_id=price_group, purchase=purchase) for _ in range(int(count))]
    return {"purchase": purchase.purchase, "tickets": [ticket.ticket for ticket in tickets]}


def race(price_group: str, seconds: str) -> dict[str, Any]:
    """Until sold out. The connection stays usable: each attempt is a transaction of its own."""
    until, state = time.monotonic() + float(seconds), None
    tickets: list[int] = []
    while time.monotonic() < until:
        try:
            tickets += buy(price_group, "1", f"{os.getpid()}-{len(tickets)}@example.org")["tickets"]
        except DatabaseError as error:
            state = getattr(error.__cause__, "sqlstate", None)
            break
    return {"tickets": tickets, "state": state}


def read(purchase: str) -> dict[str, Any]:
    """What a page shows; and the events that are on sale, which have no bounds that are null."""
    tickets = Ticket.objects.filter(purchase=purchase).select_related("price_group__ticket_group__event")
    on_sale = Event.objects.filter(sale_from__lte=datetime.now(), sale_to__gt=datetime.now(), hidden=False)
    return {
        "purchase": Purchase.objects.filter(pk=purchase).values().get(),
        "tickets": list(tickets.order_by("ticket").values()),
        "prices": [ticket.price_group.price for ticket in tickets],
        "left": [t.price_group.ticket_group.num - t.price_group.ticket_group.num_sold for t in tickets],
        "events": list(Event.objects.filter(pk__in=[t.price_group.ticket_group.event_id for t in tickets]).values()),
        "on_sale": on_sale.count(),
    }


def touch(ticket: str) -> dict[str, Any]:
    Ticket.objects.get(pk=ticket).save()
    return {"saved": int(ticket)}


def refund(ticket: str, refunder: str, place: str) -> dict[str, Any]:
    found = Ticket.objects.get(pk=ticket)
    found.refunded, found.refunder, found.point_of_refund = datetime.now(), refunder, int(place)
    found.save()
    return {"refunded": found.ticket}


def use(ticket: str) -> dict[str, Any]:
    found = Ticket.objects.get(pk=ticket)
    found.used = datetime.now()
    found.save()
    return {"used": found.ticket}


def hand_over(error: str, price_group: str) -> dict[str, Any]:
    failed = PaymentError.objects.create(error=error, failed=datetime.now(), message="Declined")
    failed.message = "Declined by the bank"
    failed.save()
    PaymentErrorPriceGroup.objects.create(error=failed, price_group_id=price_group, number_of_tickets=2)
    return {"failed": PaymentErrorPriceGroup.objects.filter(error=error).count()}


def advertise(name: str) -> dict[str, Any]:
    profile = Profile.objects.create(profile_name=name)
    ad = Advertisement.objects.create(profile=profile, advertisement_name=name)
    site = Website.objects.create(profile=profile, website_name=name)
    for row in (profile, ad, site):
        row.save()
    click = AdClick.objects.create(profile=profile, click_time=datetime.now(), advertisement=ad, website=site)
    return {"profile": profile.profile, "click": click.ad_click}


ACTIONS = {each.__name__: each for each in (buy, race, read, touch, refund, use, hand_over, advertise)}


def perform(role: str, action: str, *arguments: str) -> dict[str, Any]:
    if connection.settings_dict.get("USER") != role:
        connection.close()
        connection.settings_dict["USER"] = role
    try:
        return ACTIONS[action](*arguments)
    except DatabaseError as error:
        return {"state": getattr(error.__cause__, "sqlstate", None), "message": str(error)}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(perform(*json.loads(line)), cls=DjangoJSONEncoder), flush=True)
