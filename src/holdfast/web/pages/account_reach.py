"""What a reader's eyes reach: whose accounts exist for them, with the hand-overs of today; and pages that need records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect

from holdfast.flows.home import HomeError
from holdfast.metrics.accounts import Owners, UnknownColumnError
from holdfast.web import answers, errors, owners, rights, show
from holdfast.web.pages.account_filters import AskedError

View = Callable[..., HttpResponseBase]


@dataclass(frozen=True)
class Reach:
    """Today's owners, and the owners whose accounts may be read; None: everybody's."""

    owners: Owners
    owner_in: frozenset[str] | None

    def within(self, names: frozenset[str] | None) -> Reach:
        """The part of it that belongs to some owners."""
        if names is None:
            return self
        return Reach(self.owners, names if self.owner_in is None else self.owner_in & names)


def reach_of(request: HttpRequest) -> Reach:
    """What the request's person reaches."""
    return Reach(owners.standing(), rights.book_of(request.user))


def with_records(view: View) -> View:
    """A view over the accounts' records. Before the first booking one is led to the first steps."""

    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if answers.current() is None:
            # a part of a page stays as it is
            return HttpResponse(status=204) if show.is_fragment(request) else redirect("welcome")
        try:
            return view(request, *args, **kwargs)
        except (AskedError, UnknownColumnError) as error:
            return errors.shown(request, 400, "That cannot be answered", str(error))
        except HomeError as error:
            return errors.shown(request, 409, "The accounts need attention", str(error))

    return shown
