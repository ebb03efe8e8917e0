"""Commands of the web app: serve, people, keys."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli import ticker
from holdfast.cli.show import out
from holdfast.flows import serve as serving
from holdfast.flows.book import open_ledger, published
from holdfast.flows.home import Home, HomeError, Settings, create, open_home

people = typer.Typer(no_args_is_help=True, help="People who sign in to the web app.")
keys = typer.Typer(no_args_is_help=True, help="Keys by which programs use the API.")

HomeOption = Annotated[Path | None, typer.Option("--home", help="The home to serve; made if it is not there.")]

#: what a key of a kind may do
KINDS = {
    "api": [
        "numbers:read", "accounts:read", "accounts:write", "notes:read", "notes:write", "ctas:read", "ctas:write", "sources:read",
        "webhooks:write",
    ],
    "read": ["numbers:read", "accounts:read", "sources:read"],
    "write": ["events:write"],
}  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("serve")(serve)
    people.command("create")(create_person)
    keys.command("create")(create_key)
    app.add_typer(people, name="people")
    app.add_typer(keys, name="keys")


def serve(
    context: typer.Context,
    home: HomeOption = None,
    port: Annotated[int, typer.Option(help="The port to listen on.", min=1, max=65535)] = 8321,
    host: Annotated[
        str, typer.Option(help="The address to listen on; other than this machine only behind HTTPS.")
    ] = "127.0.0.1",
    workers: Annotated[int, typer.Option(help="Processes that answer.", min=1, max=64)] = 2,
) -> None:
    """Start the web app, the API and what runs by itself, on the embedded default."""
    place = home or context.obj.home
    opened = open_home(place) if (place / "holdfast.toml").exists() else create(place, Settings())
    serving.prepare(opened)
    address = os.environ.get("HOLDFAST_URL") or f"http://{'localhost' if host == '127.0.0.1' else host}:{port}"
    _greet(opened, address)
    with ticker.beside(opened.path):
        _run(host, port, workers)


def _greet(home: Home, address: str) -> None:
    out.print(f"\n[bold]Holdfast[/] for {home.settings.company}: [bold]{address}[/]", highlight=False)
    if serving.is_demo(home):
        for one in serving.demo_people(home, _owners(home)):
            out.print(
                f"  sign in as {one.email}   password {one.password}   ({one.role})",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
    link = serving.first_admin_link(home)
    if link:
        out.print(f"  first steps, by this link only: {address}{link}", markup=False, highlight=False, soft_wrap=True)
    out.print("  Ctrl-C stops it\n", style="dim")


def _owners(home: Home) -> list[str]:
    """Owners in the facts, the largest book first."""
    if published(home) is None:
        return []
    with open_ledger(home) as ledger:
        return [
            row[0]
            for row in ledger.rows(
                "select seg_owner from account where seg_owner is not null group by 1 order by count(*) desc, 1"
            )
        ]


def _run(host: str, port: int, workers: int) -> None:
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server import Server

    Server(
        "holdfast.web.wsgi:application", address=host, port=port, interface=Interfaces.WSGI, workers=workers,
        blocking_threads=4, blocking_threads_idle_timeout=600, log_access=False, log_level=LogLevels.warning, respawn_failed_workers=True,
    ).serve()  # fmt: skip


def create_person(
    context: typer.Context,
    email: Annotated[str, typer.Argument(help="The address to sign in with.")],
    role: Annotated[str, typer.Option(help="admin, manager, csm, finance or viewer.")] = "viewer",
    name: Annotated[str, typer.Option(help="What they are called.")] = "",
    owner: Annotated[str, typer.Option(help="What the facts call them as the owner of accounts.")] = "",
    password: Annotated[
        str,
        typer.Option(
            prompt=True,
            hide_input=True,
            confirmation_prompt=True,
            envvar="HOLDFAST_PASSWORD",
            help="Their first password.",
        ),
    ] = "",
) -> None:
    """Let somebody sign in."""
    if len(password) < 10:
        raise HomeError("a password has at least 10 characters")
    serving.create_person(open_home(context.obj.home), email, password, role, name, owner)
    out.print(f"{email} can sign in as {role}", markup=False)


def create_key(
    context: typer.Context,
    kind: Annotated[str, typer.Option(help="api (all scopes), read, or write (sends events, nothing else).")] = "api",
    name: Annotated[str, typer.Option(help="What the key is for.")] = "made on the command line",
    scope: Annotated[
        list[str] | None, typer.Option(help="One scope; may be given several times, instead of a kind.")
    ] = None,
) -> None:
    """Print a new key, this once."""
    if not scope and kind not in KINDS:
        raise HomeError(f"there is no kind '{kind}'; the kinds are {', '.join(KINDS)}")
    print(serving.create_key(open_home(context.obj.home), name, scope or KINDS[kind], context.obj.now))
