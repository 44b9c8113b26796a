create or replace function jobs.awaited(p_now timestamptz)
returns table (job text, period text, due_since timestamptz)
language sql stable
begin atomic
    -- Without a period: all there is by now. Due from the first moment after its last success.
    select s.job, '', jobs.next_moment(s.every, s.at_time, coalesce(jobs.last_success(s.job, ''), s.since))
    from jobs.schedule as s
    where s.enabled and s.period_kind = 'none' and s.job <> 'marketplace_update'
    union all
    -- The same, but a month that was opened after the update has had none: due from its own first night.
    select
        s.job, '',
        jobs.next_moment(
            s.every, s.at_time,
            case
                when m.opened_at > l.last_success then marketplace.day_begins(m.month)
                else coalesce(l.last_success, s.since)
            end
        )
    from jobs.schedule as s
    cross join lateral (select jobs.last_success(s.job, '') as last_success) as l
    left join marketplace.month as m on m.closed_at is null
    where s.enabled and s.job = 'marketplace_update'
    union all
    -- Each local day, once it is over.
    select s.job, d.day::date::text, jobs.moment(d.day::date + 1, s.at_time)
    from jobs.schedule as s
    cross join lateral (
        select
            (p_now at time zone books.time_zone())::date as today,
            (s.since at time zone books.time_zone())::date as first_day
    ) as l
    cross join lateral generate_series(
        greatest(l.first_day, l.today - s.catch_up_days)::timestamp, l.today::timestamp, interval '1 day'
    ) as d (day)
    where s.enabled and s.period_kind = 'day' and jobs.last_success(s.job, d.day::date::text) is null
    union all
    -- The open month; once it is closed, the next one is open. Not asked of the runs: a close by hand counts as well.
    select s.job, m.month::text, jobs.moment(marketplace.next_month(m.month) + coalesce(s.month_day, 1) - 1, s.at_time)
    from jobs.schedule as s
    cross join marketplace.month as m
    where s.enabled and s.job = 'marketplace_close' and m.closed_at is null
    union all
    -- The open month, each night. When it is over, verification waits for the close.
    select
        s.job, m.month::text,
        jobs.next_moment(
            null, s.at_time, coalesce(jobs.last_success(s.job, m.month::text), greatest(m.opened_at, s.since))
        )
    from jobs.schedule as s
    cross join marketplace.month as m
    where
        s.enabled and s.job = 'marketplace_verify' and m.closed_at is null
        and p_now < marketplace.day_begins(marketplace.next_month(m.month))
    union all
    -- Each month once after its close.
    select s.job, m.month::text, m.closed_at
    from jobs.schedule as s
    cross join marketplace.month as m
    where
        s.enabled and s.job = 'marketplace_verify'
        and m.closed_at > coalesce(jobs.last_success(s.job, m.month::text), '-infinity')
    union all
    -- Any other job of months: each closed month, once.
    select s.job, m.month::text, jobs.moment(marketplace.next_month(m.month) + s.month_day - 1, s.at_time)
    from jobs.schedule as s
    cross join marketplace.month as m
    where
        s.enabled and s.period_kind = 'month' and s.job not in ('marketplace_close', 'marketplace_verify')
        and m.closed_at is not null and jobs.last_success(s.job, m.month::text) is null;
end;

comment on function jobs.awaited(timestamptz) is
'What the schedule waits for at p_now: a row for each job and period that is to succeed, with the moment from which it is due, which may still come. The one place that says what is due.';
