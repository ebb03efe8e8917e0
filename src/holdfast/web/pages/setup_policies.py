"""Policies: what each says in words, what two say otherwise, which one is the home's, and policies of one's own."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_POST

from holdfast.domain.policy import Policy, PolicyError
from holdfast.flows import settings as settings_flow
from holdfast.flows import settings_policy as flow
from holdfast.flows import setup_work
from holdfast.flows.home import HomeError
from holdfast.web import answers, doing
from holdfast.web.pages.setup import book_again, shown
from holdfast.web.pages.setup_sources import found_or_404
from holdfast.web.rights import page


def policies(request: HttpRequest) -> HttpResponseBase:
    """All policies, and which one is the home's."""
    home = answers.home()
    own, current = flow.own(home), home.policy()
    rows = [(policy, policy.name in own, len(current.differences(policy))) for policy in home.policies().values()]
    return shown(
        request,
        "web/setup/policies.html",
        "setup_policies",
        rows=rows,
        current=current,
        working=setup_work.working(home.path),
    )


@found_or_404
def policy(request: HttpRequest, name: str) -> HttpResponseBase:
    """One policy in words, and what would change if it were the home's."""
    home = answers.home()
    told, current = home.policy(name), home.policy()
    return shown(
        request, "web/setup/policy.html", "setup_policies", policy=told, groups=_groups(told), current=current,
        differences=flow.differences(current, told), is_own=name in flow.own(home),
    )  # fmt: skip


def _groups(policy: Policy) -> list[tuple[str, list[flow.Said]]]:
    return [(group, list(said)) for group, said in groupby(flow.said(policy), key=lambda one: one.group)]


@require_POST
@found_or_404
def choose(request: HttpRequest, name: str) -> HttpResponseBase:
    """Make a policy the home's, and book under it."""
    home = answers.home()
    before = home.settings.policy
    home.policy(name)
    if settings_flow.change(home, policy=name):
        doing.log(request, "chose policy", name, before=before)
        book_again(request, f"Booking under {name}")
        doing.say(request, "good", f"{name} is the policy of the headline numbers now. They are booked anew under it.")
    return doing.see("setup_policies")


@found_or_404
def compare(request: HttpRequest) -> HttpResponseBase:
    """What two policies say otherwise."""
    home = answers.home()
    names = list(home.policies())
    one = home.policy(request.GET.get("a") or home.settings.policy)
    other = home.policy(request.GET.get("b") or next((name for name in names if name != one.name), one.name))
    return shown(
        request,
        "web/setup/compare.html",
        "setup_policies",
        names=names,
        one=one,
        other=other,
        differences=flow.differences(one, other),
    )


def new(request: HttpRequest) -> HttpResponseBase:
    """A policy of one's own, from a form or a file."""
    home, error, status = answers.home(), "", 200
    given: dict[str, Any] = request.POST.dict() if request.method == "POST" else {}
    names = list(home.policies())
    base = given.get("base") or request.GET.get("base") or home.settings.policy
    base = base if base in names else home.settings.policy
    if request.method == "POST":
        try:
            text = given["text"] if "text" in given else flow.from_form(home, base, given)
            made = flow.save(home, str(text).replace("\r\n", "\n"))
        except (PolicyError, HomeError) as refusal:
            error, status = str(refusal), 400
        else:
            doing.log(request, "made policy", made.name)
            doing.say(
                request, "good", f"Policy {made.name} is there. It can be chosen on every page, or made the home's."
            )
            return doing.see("setup_policy", made.name)
    return shown(
        request, "web/setup/policy_new.html", "setup_policies", status=status, names=names, base=base, groups=_groups(home.policy(base)),
        given=given, error=error,
    )  # fmt: skip


urls = [
    page("setup/policies/", policies, "setup_policies", needs="setup"),
    page("setup/policies/compare/", compare, "setup_policies_compare", needs="setup"),
    page("setup/policies/new/", new, "setup_policy_new", needs="setup"),
    page("setup/policies/<str:name>/", policy, "setup_policy", needs="setup"),
    page("setup/policies/<str:name>/choose/", choose, "setup_policy_choose", needs="setup"),
]
