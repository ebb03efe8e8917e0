"""Places on an account's page that fill themselves: a module here is found by being there, and shows when it has something.

def panel(request: HttpRequest, account_id: str) -> SafeString | None: ...   # a rendered card, or nothing
ORDER = 20                                                                   # smaller is higher; 50 where it says nothing
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache

from django.http import HttpRequest
from django.utils.safestring import SafeString

Panel = Callable[[HttpRequest, str], SafeString | None]


@cache
def found() -> tuple[Panel, ...]:
    """The panels that there are, from the top."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return tuple(module.panel for module in sorted(modules, key=lambda module: getattr(module, "ORDER", 50)))


def of_account(request: HttpRequest, account_id: str) -> list[SafeString]:
    """What the panels have to show of an account; those that have nothing show nothing."""
    told = (panel(request, account_id) for panel in found())
    return [fragment for fragment in told if fragment]
