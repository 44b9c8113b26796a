"""Help as plain text, each line of it whole: drawing boxes takes three times as long as all else that help needs."""

from typing import Any

import typer
from typer.core import TyperGroup


class PlainGroup(TyperGroup):
    """A group that cuts no line of its list of commands short."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        lines = [(name, " ".join((each.help or "").split("\n\n")[0].split())) for name, each in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(lines)


def group(cls: type[PlainGroup] = PlainGroup, **options: Any) -> typer.Typer:
    """A group of commands that has its help from the table in `pybridge.cli.main`."""
    return typer.Typer(cls=cls, no_args_is_help=True, rich_markup_mode=None, **options)
