"""People: asked in, let in, given another role, and let go. The last admin who can sign in always stays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Q

from holdfast.desk.models import AuditEntry, Invitation, Mail, User
from holdfast.desk.roles import ROLES
from holdfast.desk.turns import take_turn
from holdfast.flows import outbox

#: characters of an e-mail address
LONGEST = 254


class PeopleError(ValueError):
    """It cannot be done; the message says why and what to do."""


@dataclass(frozen=True)
class Actor:
    """Who does it, when, and from which address; for the audit log."""

    user: User | None
    now: datetime
    address: str = ""

    def log(self, action: str, target: str, **detail: Any) -> None:
        AuditEntry.add(action, target, self.now, user=self.user, address=self.address, **detail)


def invite(
    by: Actor, email: str, role: str, *, name: str = "", owner_name: str = "", link: str
) -> tuple[Invitation, str]:
    """Ask somebody in; the invitation, and its link. `link` has {secret} where the secret goes.

    The link is in the mail that waits to be sent, and is told this once. PeopleError: no such address or role, or they are in.
    """
    email = _address(email)
    _role(role)
    if User.objects.filter(email=email, is_active=True).exists():
        raise PeopleError(f"{email} can sign in already")
    with transaction.atomic():
        for before in Invitation.objects.filter(email=email, accepted_at=None, withdrawn_at=None):
            _void(before)
        Invitation.objects.filter(email=email, accepted_at=None, withdrawn_at=None).update(withdrawn_at=by.now)
        made, secret = Invitation.make(
            email, role, by.user, by.now, name=name.strip()[:120], owner_name=owner_name.strip()[:200]
        )
        address = link.replace("{secret}", secret)
        Mail.objects.create(
            effect_key=f"invitation:{made.pk}", kind="invitation", to=email, due_at=by.now, created_at=by.now,
            subject="You are invited to Holdfast", text=_letter(made, by.user, address),
        )  # fmt: skip
        by.log("invited", email, role=role, owner=made.owner_name)
    return made, address


def _letter(made: Invitation, by: User | None, address: str) -> str:
    who = f"{by} invites" if by else "You are invited"
    opening = (
        f"{who} you to Holdfast as {ROLES[made.role][0]}." if by else f"{who} to Holdfast as {ROLES[made.role][0]}."
    )
    return (
        f"Hello {made.name}".strip()
        + f",\n\n{opening}\nChoose a password here within 14 days; the link works once:\n\n"
        f"{address}\n\nIf you did not expect this, leave it: without the link nothing happens.\n"
    )


def withdraw(by: Actor, invitation: Invitation) -> None:
    """The link does not work any more, and a mail not yet sent is not sent. PeopleError: it was accepted."""
    if invitation.accepted_at:
        raise PeopleError(f"{invitation.email} has accepted already; change their role or deactivate them instead")
    with transaction.atomic():
        Invitation.objects.filter(pk=invitation.pk).update(withdrawn_at=by.now)
        _void(invitation)
        by.log("withdrew invitation", invitation.email)


def _void(invitation: Invitation) -> None:
    """The link of an invitation leads nowhere any more: its letters lose it."""
    key = f"invitation:{invitation.pk}"
    outbox.void(Mail.objects.filter(Q(effect_key=key) | Q(effect_key__startswith=f"{key}:")))


def accept(invitation: Invitation, name: str, password: str, by: Actor) -> User:
    """Let in who was invited; somebody who was let go before comes back. PeopleError: the link was used meanwhile."""
    with transaction.atomic():
        if not take_up(invitation, by.now):
            raise PeopleError("this invitation was used or withdrawn; ask for a new one")
        user = User.objects.filter(email=invitation.email).first() or User(email=invitation.email, created_at=by.now)
        if user.pk and user.is_active:
            raise PeopleError(f"{invitation.email} can sign in already")
        user.name, user.role, user.is_active = name.strip()[:120], invitation.role, True
        user.owner_name = invitation.owner_name
        user.set_password(password)
        user.save()
        Actor(user, by.now, by.address).log("accepted invitation", user.email, role=user.role)
    return user


def take_up(invitation: Invitation, now: datetime) -> bool:
    """Mark an invitation as used, and take its link out of the outbox; False where it was used or withdrawn before."""
    open_ones = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, withdrawn_at=None)
    if not open_ones.update(accepted_at=now):
        return False
    _void(invitation)
    return True


def change_role(by: Actor, user: User, role: str) -> None:
    """Give another role. PeopleError: no such role, or nobody could set anything up any more."""
    _role(role)
    with transaction.atomic():
        if role != "admin":
            _keep_an_admin(user)
        before = user.role
        if before == role:
            return
        user.role = role
        user.save(update_fields=["role"])
        by.log("changed role", user.email, before=before, after=role)


def link_owner(by: Actor, user: User, owner_name: str) -> None:
    """Say what the facts call a person as the owner of accounts; empty: they carry no book."""
    before, user.owner_name = user.owner_name, owner_name.strip()[:200]
    if before != user.owner_name:
        user.save(update_fields=["owner_name"])
        by.log("linked owner", user.email, before=before, after=user.owner_name)


def deactivate(by: Actor, user: User) -> None:
    """Let somebody go: they cannot sign in, and are signed out everywhere. PeopleError: the last admin stays."""
    with transaction.atomic():
        _keep_an_admin(user)
        if not user.is_active:
            return
        user.is_active = False
        user.save(update_fields=["is_active"])
        by.log("deactivated", user.email)
    sign_out_everywhere(user)


def activate(by: Actor, user: User) -> None:
    """Let somebody back in, with the password and the devices they had."""
    if not user.is_active:
        user.is_active = True
        user.save(update_fields=["is_active"])
        by.log("activated", user.email)


def sign_out_everywhere(user: User) -> None:
    """End every session of a person."""
    from allauth.usersessions.models import UserSession

    for session in UserSession.objects.filter(user=user):
        session.end()


def first_admin(by: Actor, email: str, name: str, password: str) -> User:
    """The person who sets everything up. PeopleError: somebody can sign in already, or the address cannot be."""
    email = _address(email)
    with transaction.atomic():
        take_turn()
        if User.objects.filter(is_active=True).exists():
            raise PeopleError("somebody can sign in already; ask them for an invitation")
        user = User.objects.create_user(email, password, name=name.strip()[:120], role="admin")
        Actor(user, by.now, by.address).log("made the first admin", email)
    return user


def _keep_an_admin(user: User) -> None:
    """Refuse what would leave nobody who can set up."""
    if user.role != "admin" or not user.is_active:
        return
    take_turn()
    if not User.objects.filter(role="admin", is_active=True).exclude(pk=user.pk).exists():
        raise PeopleError(f"{user.email} is the last admin; make somebody else admin first")


def _role(role: str) -> None:
    if role not in ROLES:
        raise PeopleError(f"there is no role '{role}'; the roles are {', '.join(ROLES)}")


def _address(email: str) -> str:
    """An e-mail address as it is kept. PeopleError: it is none."""
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise PeopleError(f"'{email}' is not an e-mail address") from None
    if len(email) > LONGEST:
        raise PeopleError(f"an e-mail address has up to {LONGEST} characters")
    return email
