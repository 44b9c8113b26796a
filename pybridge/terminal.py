"""What programs draw on a terminal: tables, and how far long work has come."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pybridge.files import Tell

if TYPE_CHECKING:
    from pybridge.client import Problem


def new_table(*columns: str, right: Collection[str] = (), **options: Any) -> Table:
    """A table as all commands draw it; columns that need more than to fold are added by the caller."""
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), **options)
    for name in columns:
        drawn.add_column(name, justify="right" if name in right else "left", overflow="fold")
    return drawn


def problem_table(problems: "Iterable[Problem]", header_line: int = 1) -> Table:
    """What is wrong with a file, line by line; what is wrong with all of it stands at its header."""
    drawn = new_table()
    drawn.add_column("line", justify="right")
    drawn.add_column("column", style="bold")
    drawn.add_column("value", overflow="fold", max_width=30)
    drawn.add_column("reason", overflow="fold")
    for each in problems:
        line = header_line if each.line is None else each.line
        drawn.add_row(str(line), Text(each.column_name), Text(each.value or ""), Text(each.reason))
    return drawn


@contextmanager
def progress() -> Iterator[Tell]:
    """How far long work has come: a bar on standard error where that is a terminal, nothing elsewhere."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn  # slow to import

    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("", total=None)

        def tell(what: str, done: int, total: int | None) -> None:
            bar.update(task, description=what, completed=done, total=total)

        yield tell
