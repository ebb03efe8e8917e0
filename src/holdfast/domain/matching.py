"""Whose account is whose: what other systems tell of their accounts, and which of ours each may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class PartyTold:
    """An account as another system knows it."""

    external_id: str
    name: str = ""
    domain: str = ""
    #: ids of the same company elsewhere, as that system tells them: `stripe:cus_1`, or plain `cus_1`
    keys: tuple[str, ...] = ()
    #: segment attributes that the system tells
    attributes: Mapping[str, str] = field(default_factory=dict)
    owner: str = ""
    #: the system does not list it any more
    is_gone: bool = False
