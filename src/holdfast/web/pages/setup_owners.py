"""Owners and books: who carries how much, which person is which owner, and books handed over from a day on."""

from __future__ import annotations

from datetime import date

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_POST

from holdfast.desk.models import Handover, User
from holdfast.flows import people, setup
from holdfast.flows.handover import HandoverError, Order, hand_over
from holdfast.metrics.accounts import Owners
from holdfast.web import answers, doing
from holdfast.web import owners as desk
from holdfast.web.pages.setup import LINES, page_of, pager, shown
from holdfast.web.rights import page


def owners(request: HttpRequest) -> HttpResponseBase:
    """Every owner of the facts and of hand-overs, with their book, and the hand-overs so far."""
    number = page_of(request)
    found = Handover.objects.select_related("by").order_by("-id")
    people_by_owner = {
        user.owner_name: user for user in User.objects.exclude(owner_name="").order_by("-is_active", "id")
    }
    carried = _carried()
    known = {one.name for one in carried}
    return shown(
        request, "web/setup/owners.html", "setup_owners", carried=[(one, people_by_owner.get(one.name)) for one in carried],
        currency=answers.records().currency if carried else "", people=User.objects.filter(is_active=True).order_by("name", "email"),
        strangers=[user for name, user in people_by_owner.items() if name not in known and user.is_active],
        handovers=found[(number - 1) * LINES : number * LINES], pager=pager(number, found.count(), LINES), today=answers.today(),
    )  # fmt: skip


def _carried() -> list[setup.OwnerTold]:
    if answers.current() is None:
        return []
    return setup.owners(answers.records(), Owners(desk.overrides()))


@require_POST
def link(request: HttpRequest) -> HttpResponseBase:
    """Say which person an owner is; nobody, where none is given."""
    owner = request.POST.get("owner", "").strip()
    given = request.POST.get("person", "")
    chosen = User.objects.filter(pk=int(given)).first() if given.isdecimal() and len(given) < 18 else None
    by = doing.actor(request)
    for user in User.objects.filter(owner_name=owner).exclude(pk=chosen.pk if chosen else 0):
        people.link_owner(by, user, "")
    if chosen and owner:
        people.link_owner(by, chosen, owner)
    doing.say(request, "good", f"{owner} is {chosen}." if chosen else f"{owner} is nobody who signs in.")
    return doing.see("setup_owners")


@require_POST
def hand_over_book(request: HttpRequest) -> HttpResponseBase:
    """Hand a whole book over from a day on."""
    given = request.POST
    owner, to = given.get("from", ""), given.get("to", "").strip()
    try:
        day = date.fromisoformat(given.get("day", ""))
        if owner == to:
            raise HandoverError("choose another owner than the one who carries the book now")
        if answers.current() is None:
            raise HandoverError("nothing is booked yet, so nobody carries a book")
        ids = setup.book_of(answers.records(), Owners(desk.overrides(min(day, answers.today()))), owner)
        if not ids:
            raise HandoverError(f"{owner or 'nobody'} carries no accounts")
        many = hand_over(
            ids,
            Order(to, day, given.get("reason", "").strip()),
            answers.now(),
            user=request.user,
            address=doing.ip(request),
        )
    except ValueError as error:
        doing.say(request, "bad", f"The book was not handed over: {error}.")
    else:
        doing.say(request, "good", f"{many} accounts of {owner or 'nobody'} go to {to or 'nobody'} from {day} on.")
    return doing.see("setup_owners")


urls = [
    page("setup/owners/", owners, "setup_owners", needs="setup"),
    page("setup/owners/link/", link, "setup_owner_link", needs="setup"),
    page("setup/owners/hand-over/", hand_over_book, "setup_book_hand_over", needs="setup"),
]
