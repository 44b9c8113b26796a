"""The pages. Who is logged in is the session's, never the address's: nobody asks for another's account."""

from collections.abc import Callable
from decimal import Decimal
from functools import wraps
from typing import Any

from django import forms
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.views.decorators.http import require_POST

from examples.site.ledger import call, change, stamped, whys
from examples.site.models import Advertisement, Click, Price, Profile, Website

View = Callable[..., HttpResponse]
GATEWAY = "stripe"


class SignUp(forms.Form):
    name = forms.CharField(max_length=100)


class Campaign(forms.Form):
    name = forms.CharField(max_length=100)
    price = forms.DecimalField(min_value=Decimal("0.01"), max_digits=8, decimal_places=2)


class Card(forms.Form):
    """What the gateway's own form has made of a card, which the site never sees."""

    customer = forms.CharField(max_length=100)
    payment_method = forms.CharField(max_length=100)
    last_digits = forms.RegexField("^[0-9]{2,4}$", required=False)


class Account(forms.Form):
    destination = forms.CharField(max_length=100)


class Reason(forms.Form):
    reason = forms.CharField(max_length=200)


def filled(form: type[forms.Form], request: HttpRequest) -> dict[str, Any]:
    given = form(request.POST)
    if not given.is_valid():
        raise BadForm(given)
    return dict(given.cleaned_data)


class BadForm(Exception):
    """A form that was filled in wrongly."""


def person(view: Callable[..., HttpResponse]) -> View:
    @wraps(view)
    def of_session(request: HttpRequest, **arguments: Any) -> HttpResponse:
        profile = request.session.get("profile")
        if profile is None:
            return redirect("front")
        try:
            return view(request, get_object_or_404(Profile, pk=profile), **arguments)
        except BadForm as error:
            return render(request, "site/refused.html", {"form": error.args[0]}, status=400)

    return of_session


def front(request: HttpRequest) -> HttpResponse:
    form = SignUp(request.POST or None)
    if request.method == "POST" and form.is_valid():
        request.session.cycle_key()
        request.session["profile"] = Profile.objects.create(profile_name=form.cleaned_data["name"]).pk
        return redirect("account")
    return render(request, "site/front.html", {"form": form})


@person
def account(request: HttpRequest, profile: Profile) -> HttpResponse:
    lines = call("account", profile=profile.pk)
    statements = call("past_transactions", profile=profile.pk)
    reasons = whys([row["transaction"] for row in statements])
    (owed,) = call("owed_by", profile=profile.pk)
    # Charges to be confirmed: where there is no address, the gateway's script takes the secret from the button.
    actions = {row["transaction"]: row for row in call("action_of", profile=profile.pk)}
    shown = {
        "profile": profile,
        "owed": owed,
        # What is done stands in the account, and on its statement.
        "waits": [
            row | reasons[row["transaction"]] | {"action": actions.get(row["transaction"])}
            for row in statements
            if is_open(reasons[row["transaction"]])
        ],
        "means": call("means_of", profile=profile.pk),
        "lines": [*reversed(lines)],
        "balance": lines[-1]["balance"] if lines else Decimal(0),
        "running": next(iter(call("current_totals", profile=profile.pk)), None),
        "advertisements": Advertisement.objects.filter(profile=profile).order_by("pk"),
        "websites": Website.objects.filter(profile=profile).order_by("pk"),
        "statements": statements,
        "campaign": Campaign(auto_id="campaign_%s"),
        "website": SignUp(auto_id="website_%s"),
        "card": Card(auto_id="card_%s"),
        "payee": Account(auto_id="payee_%s"),
        "leave": Reason(auto_id="leave_%s"),
    }
    return render(request, "site/account.html", shown)


def is_open(reason: dict[str, Any]) -> bool:
    """Whether anybody, or time, is still to do something about it."""
    return bool(reason["turn"] != "NOBODY")


@person
def statement(request: HttpRequest, profile: Profile, number: int) -> HttpResponse:
    statements = {row["transaction"]: row for row in call("past_transactions", profile=profile.pk)}
    if number not in statements:
        raise Http404
    of = statements[number]
    parts = call("profile_statement", profile=profile.pk, month=of["month"])
    lines = [row for row in parts if row["transaction"] == number]
    shown = {
        "profile": profile,
        "of": of,
        "why": whys([number])[number],
        "lines": lines,
        "total": sum(line["amount"] for line in lines),
        # Clicks of this month that came too late for it.
        "later": [
            row | {"is_over": row["transaction"] in statements}
            for row in parts
            if row["what"] == "LATER" and of["kind"] == "MONTHLY"
        ],
    }
    return render(request, "site/statement.html", shown)


@require_POST
@person
def campaign(request: HttpRequest, profile: Profile) -> HttpResponse:
    given = filled(Campaign, request)
    with transaction.atomic():
        made = Advertisement.objects.create(profile=profile, advertisement_name=given["name"])
        Price.objects.create(advertisement=made, price=given["price"], **stamped("valid_from"))
    return redirect("account")


@require_POST
@person
def website(request: HttpRequest, profile: Profile) -> HttpResponse:
    Website.objects.create(profile=profile, website_name=filled(SignUp, request)["name"])
    return redirect("account")


@require_POST
@person
def means(request: HttpRequest, profile: Profile, kind: str) -> HttpResponse:
    """A new card, or an account to be paid to; the one before ends with it. What failed is tried again by itself."""
    given = filled(Card if kind == "charge" else Account, request)
    details = {name: value for name, value in given.items() if value}
    change("set_payment_means", profile=profile.pk, kind=kind.upper(), gateway=GATEWAY, details=details)
    return redirect("account")


@require_POST
@person
def leave(request: HttpRequest, profile: Profile) -> HttpResponse:
    change("close_account", profile=profile.pk, rest="PAY", reason=filled(Reason, request)["reason"])
    return redirect("account")


def click(request: HttpRequest, advertisement: int, website: int) -> HttpResponse:
    """A click on an advertisement, on a website; the next page would be the advertiser's own."""
    clicked = get_object_or_404(Advertisement, pk=advertisement)
    shown_on = get_object_or_404(Website, pk=website)
    Click.objects.create(
        profile_id=clicked.profile_id, advertisement=clicked, website=shown_on, **stamped("click_time")
    )
    return HttpResponseRedirect("https://example.org/")


urlpatterns = [
    path("", front, name="front"),
    path("account/", account, name="account"),
    path("account/statement/<int:number>/", statement, name="statement"),
    path("account/campaign/", campaign, name="campaign"),
    path("account/website/", website, name="website"),
    path("account/means/<str:kind>/", means, name="means"),
    path("account/leave/", leave, name="leave"),
    path("click/<int:advertisement>/<int:website>/", click, name="click"),
]
