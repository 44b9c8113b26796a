"""The pages of how the house does: its jobs, and whether the books agree with themselves."""

from typing import LiteralString

from pybridge.reports import consistency as check
from pybridge.reports.tables import Row, Table
from pybridge.web.pages.blocks import Context, Note, Section
from pybridge.web.pages.content.asking import ask


def jobs(context: Context) -> list[Section]:
    words = context.words
    health = ask(
        context,
        "health",
        """
        select
            job, enabled, late, last_state, last_started_at, last_success_at, due_since, next_at, consecutive_failures,
            failing_periods, error_code, error_message
        from report.job_health
        order by job
        """,
    )
    query: LiteralString = """
        select
            job_run, job, period, state, started_at, finished_at, duration, row_count, error_code, error_message,
            started_by
        from report.job_run
        where
            started_at >= %(first)s::date and started_at < %(last)s::date + 1
            and (%(job)s::text is null or job = %(job)s)
        order by job_run
        """
    runs = ask(context, "runs", query, job=context.values["job"])
    verified = ask(context, "verified", query, job="marketplace_verify")
    return [
        Section(title, [context.grid(table, title)])
        for title, table in (
            (words("How each job is doing"), health),
            (words("What verification found"), verified),
            (words("Runs"), runs),
        )
    ]


def consistency(context: Context) -> list[Section]:
    """Each view, and the rows of those that are not empty."""
    words = context.words
    findings = check.run(context.connection)
    bad = [each for each in findings if each.broken]
    said = (
        words("{count} of {all} checks found something.", count=len(bad), all=len(findings))
        if bad
        else words("All {all} checks found nothing: the books agree.", all=len(findings))
    )
    rows: list[Row] = [(each.view, each.broken, each.explanation) for each in findings]
    title = words("Checks")
    sections = [
        Section(title, [Note(said), context.grid(Table("checks", ("view", "broken", "explanation"), rows), title)])
    ]
    for each in bad:
        columns = tuple(each.rows[0])
        table = Table(each.view, columns, [tuple(row[column] for column in columns) for row in each.rows])
        caption = words("The first {count} of {all} rows", count=len(each.rows), all=each.broken)
        sections.append(Section(each.view, [context.grid(table, caption, plain=columns)]))
    return sections
