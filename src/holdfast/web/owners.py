"""Whether an account is in somebody's book; who carries it today is told by `flows.owners`."""

from __future__ import annotations

from typing import Any

from holdfast.flows import ctas_work
from holdfast.flows.owners import overrides, owner_of, standing

__all__ = ["carries", "is_assigned", "overrides", "owner_of", "standing"]


def carries(user: Any, account_id: str) -> bool:
    """Whether the account is in the person's book today."""
    return bool(user.owner_name) and owner_of(account_id) == user.owner_name


def is_assigned(user: Any, account_id: str) -> bool:
    """Whether an open CTA of the account was passed to the person, who need not carry it."""
    return ctas_work.is_assigned(user.owner_name, account_id)
