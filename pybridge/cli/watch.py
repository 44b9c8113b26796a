"""`pybridge schedule`, `health` and `metrics`: the jobs as they run by themselves."""

from datetime import datetime, timedelta
from typing import Annotated

import psycopg
import typer
from rich.console import Console
from rich.text import Text

from pybridge.cli.common import REFUSED, Json, print_json
from pybridge.cli.plain import group
from pybridge.database import connect
from pybridge.extras import needs
from pybridge.formats import local
from pybridge.jobs import runner
from pybridge.jobs.health import Row, balances, blockers, jobs, own_balance, unbounded_logins, waiting
from pybridge.jobs.scheduler import STOP_AFTER, Scheduler
from pybridge.terminal import new_table

app = group()


@app.command()
def schedule(
    once: Annotated[bool, typer.Option("--once", help="Run what is due and exit, with 1 where a run failed.")] = False,
    now: Annotated[datetime | None, typer.Option(help="With --once, in a database for tests: now.")] = None,
    only: Annotated[str | None, typer.Option("--jobs", help="These jobs only, separated by commas.")] = None,
    stop_after: Annotated[
        float, typer.Option(help="Seconds that a call may still take after a signal to stop.", min=0, max=86_400)
    ] = STOP_AFTER,
    as_json: Annotated[bool, typer.Option("--json", help="Log lines of JSON.")] = False,
) -> None:
    names = list(runner.JOBS) if only is None else [name.strip() for name in only.split(",") if name.strip()]
    if unknown := sorted(set(names) - set(runner.JOBS)):
        raise typer.BadParameter(f"no such job: {', '.join(unknown)}; there are {', '.join(runner.JOBS)}")
    if not names:
        raise typer.BadParameter("no job is named", param_hint="--jobs")
    if now is not None and not once:
        raise typer.BadParameter("--now needs --once: time does not go on")
    scheduler = Scheduler(names, stop_after, as_json)
    with scheduler.signals():
        if not once:
            scheduler.forever()
            return
        try:
            well = scheduler.once(now and local(now))
        except psycopg.errors.QueryCanceled:
            if not scheduler.stopping:
                raise
            return
    if not well:
        raise typer.Exit(REFUSED)


@app.command()
def health(as_json: Json = False) -> None:
    with connect(deployed=True) as connection:
        rows, blocking, logins = jobs(connection), blockers(connection), unbounded_logins(connection)
        waits, kept = waiting(connection), balances(connection)
    wrong = [row["job"] for row in rows if row["is_wrong"]]
    stuck = [row for row in blocking if row["is_wrong"]]
    too_long = [row for row in waits if row["is_wrong"]]
    unexplained = [row for row in kept if row["is_wrong"]]
    if as_json:
        print_json({"jobs": rows, "blockers": blocking, "logins": logins, "waiting": waits, "balances": kept})
    else:
        console = Console()
        _print(rows)
        for row in logins:
            console.print(Text(_unbounded(row), style="yellow"))
        for row in stuck:
            console.print(Text(_blocks(row), style="bold red"))
        for row in waits:
            if row["overdue"]:
                console.print(Text(_waits(row), style="bold red" if row["is_wrong"] else "yellow"))
        for row in kept:
            if row["difference"] or row["is_wrong"]:
                console.print(Text(_differs(row), style="bold red" if row["is_wrong"] else "yellow"))
        if wrong:
            console.print(Text(f"late or failing: {', '.join(wrong)}", style="bold red"))
        if not wrong and not stuck and not too_long and not unexplained:
            console.print(Text("all is well", style="green"))
    if wrong or stuck or too_long or unexplained:
        raise typer.Exit(REFUSED)


@app.command()
def metrics() -> None:
    with needs("metrics"):
        from pybridge.jobs.metrics import openmetrics
    with connect(deployed=True) as connection:
        text = openmetrics(jobs(connection), waiting(connection), own_balance(connection), balances(connection))
    typer.echo(text, nl=False)


def _print(rows: list[Row]) -> None:
    table = new_table()
    for name in ("job", "succeeded", "newest run", "failures", "next", ""):
        table.add_column(
            name, no_wrap=name in ("next", ""), overflow="fold", justify="right" if name == "failures" else "left"
        )
    for row in rows:
        note = "late" if row["late"] else "" if row["enabled"] else "off"
        cells = (
            *(row["job"], _ago(row["last_success_age"]), row["last_state"] or ""),
            *(str(row["consecutive_failures"]), _moment(row["next_at"]), note),
        )
        style = "red" if row["is_wrong"] else "dim" if not row["enabled"] else ""
        table.add_row(*(Text(cell, style) for cell in cells))
    console = Console()
    console.print(table)
    for row in rows:
        if row["error_message"]:
            code = f" ({row['error_code']})" if row["error_code"] else ""
            console.print(Text(f"{row['job']}: {row['error_message']}{code}"))


def _unbounded(row: Row) -> str:
    group, name = (row[each].replace("'", "''") for each in ("group_role", "login_role"))
    made = f"select deploy.create_login(p_group => '{group}', p_name => '{name}')"
    return f"{row['login_role']} begins without {', '.join(row['unset'])}: {made}"


def _waits(row: Row) -> str:
    who = {"PERSON": "the person", "OPERATOR": "us", "GATEWAY": "the gateway", "TIME": "a run"}[row["turn"]]
    days = row["oldest"] / 86400
    what = f"{row['overdue']} {row['code']} wait for {who} past their term, the oldest for {days:.0f} days"
    return f"{what} (report.waiting): {row['command']}" if row["command"] else f"{what} (report.waiting)"


def _differs(row: Row) -> str:
    more = "more" if row["difference"] > 0 else "less"
    what = (
        f"{row['gateway']} has NOK {abs(row['difference']):.2f} {more} than our books say" if row["difference"] else ""
    )
    lines = (
        f"{row['open_entries']} lines of {row['gateway']}'s account are unexplained: pybridge payment inbox --waiting"
    )
    return "; ".join(filter(None, (what and f"{what} (report.gateway_difference)", row["is_wrong"] and lines)))


def _blocks(row: Row) -> str:
    who = f"process {row['pid']} ({row['login_role'] or 'no user'}, {row['application_name'] or 'no name'})"
    what = f" for {', '.join(row['tables'])}" if row["tables"] else ""
    waited = row["waited"].total_seconds()
    end = f"select pg_terminate_backend({row['pid']})"
    if row["pid"] == 0:  # it has no session, and outlives a restart
        who, end = "a transaction", "select * from pg_prepared_xacts names it; rollback prepared '...' ends it"
    return f"{who}, {row['state']}, holds up {row['waiting']}{what}, for {waited:.0f} s: {end}"


def _ago(age: timedelta | None) -> str:
    if age is None:
        return "never"
    seconds = age.total_seconds()
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{local(moment):%m-%d %H:%M}"
