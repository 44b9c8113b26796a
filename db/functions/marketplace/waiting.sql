create or replace function marketplace.waiting()
returns table (
    transaction bigint, payment_attempt bigint, profile bigint, profile_name text, month date, kind text, amount numeric, code text,
    hold text, turn text, waiting_since timestamptz, term interval, is_overdue boolean, due_on date, due_since date, gateway text,
    says text, command text
)
language plpgsql stable security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_now constant timestamptz := now();
    v_transactions bigint[];
begin
    v_transactions := array(
        select t.transaction from marketplace.transaction as t where t.status in ('CURRENT', 'NEW', 'FAILED')
        union
        select a.transaction from marketplace.payment_attempt as a where a.alarm is not null or a.disputed > 0
    );
    return query
    select
        t.transaction, s.payment_attempt, t.profile, p.profile_name::text, t.month, s.kind, x.amount, s.code, x.hold, n.turn,
        s.waiting_since, w.term, x.is_overdue, coalesce((o.act_by at time zone books.time_zone())::date, s.due_on), d.due_on, coalesce(a.gateway, d.gateway),
        concat_ws(' ',
            marketplace.in_words(n.says_en, 'en', s.due_on, s.other_month, t.minimum, s.other),
            (
                select format('%s said %s %s of %s %s.',
                    e.gateway, round(e.amount / 100.0, 2), e.currency, round(a.amount / 100.0, 2), a.currency)
                from marketplace.gateway_event as e
                where
                    e.payment_attempt = a.payment_attempt and a.alarm in ('mismatch', 'contradicted') and e.outcome = 'ALARM'
                    and (e.amount <> a.amount or e.currency <> a.currency)
                order by e.received_at desc, e.event_id
                limit 1
            )
        ),
        -- A gateway has its time; before that, a person only waits.
        case
            when n.turn = 'GATEWAY' and not x.is_overdue then null
            when a.state = 'SUBMITTED' and s.code = 'UNDER_WAY' or s.code = 'LOOKED_AT' and a.alarm is null then 'pybridge payment execute'
            else replace(replace(replace(replace(replace(
                case
                    when x.hold = 'FUND' then 'select marketplace.move_reserve({amount}, ''why'');'
                    when o.dispute is not null
                        then format('select marketplace.book_loss({attempt}, %s, ''why'', p_dispute => %L);', round(o.amount / 100.0, 2), o.dispute)
                    when s.code = 'LOOKED_AT' and a.state = 'UNKNOWN' then 'select marketplace.resolve_attempt({attempt}, false, ''why'');'
                    else n.command
                end,
                '{transaction}', t.transaction::text), '{attempt}', coalesce(s.payment_attempt::text, '')),
                '{profile}', t.profile::text), '{kind}', coalesce(s.kind, '')), '{amount}', x.amount::text)
        end
    from marketplace.standing(v_transactions, v_now) as s
    inner join marketplace.transaction as t on s.transaction = t.transaction
    inner join marketplace.profile as p on t.profile = p.profile
    inner join marketplace.next_step as n on s.code = n.code
    inner join marketplace.waiting_term as w on s.code = w.code
    left join marketplace.payment_attempt as a on s.payment_attempt = a.payment_attempt
    left join marketplace.due_transactions(null, v_now) as d on t.transaction = d.transaction
    -- Of several, one after the other, the most urgent first: each is lost, or won, by itself.
    left join lateral (
        select e.dispute, least(e.amount, a.disputed + marketplace.taken_beyond(s.payment_attempt)) as amount, u.act_by
        from marketplace.open_dispute(s.payment_attempt) as e
        -- Until when the gateway takes evidence, as it said last.
        left join lateral (
            select g.act_by
            from marketplace.gateway_event as g
            where g.payment_attempt = s.payment_attempt and g.dispute = e.dispute and g.act_by is not null
            order by g.occurred_at desc nulls last, g.received_at desc
            limit 1
        ) as u on true
        where s.code = 'DISPUTED'
        order by u.act_by, e.dispute
        limit 1
    ) as o on true
    cross join lateral (
        select
            coalesce(d.hold, s.hold) as hold,
            coalesce(s.waiting_since + w.term < v_now, false) as is_overdue,
            round(case
                when s.code = 'DISPUTED' then (a.disputed + marketplace.taken_beyond(s.payment_attempt)) / 100.0
                else abs(coalesce(t.left_amount, t.net_amount + t.carried_in))
            end, 2) as amount
    ) as x
    where n.turn <> 'NOBODY' and (s.code <> 'RUNNING' or x.is_overdue)
    order by x.is_overdue desc, s.waiting_since, t.transaction;
    return query
    select
        null::bigint, null::bigint, y.profile, y.profile_name, y.month, y.kind, y.amount, 'STRAY', null::text, 'OPERATOR',
        y.waiting_since, y.term, y.is_overdue, null::date, null::date, y.gateway,
        format('%s has %s (%s %s), and no attempt of ours explains it; nothing is sent through it meanwhile.',
            y.gateway, y.gateway_id, y.amount, y.currency),
        y.command
    from marketplace.strays_wait(v_now) as y
    order by y.is_overdue desc, y.waiting_since, y.gateway_id;
end;
$$;

comment on function marketplace.waiting() is
'report.waiting as it is asked: every transaction that waits, and each stray, for what, since when, and how to end it. amount: NOK, above 0. due_since: of what is open, the local day on which it was, or is, to be charged, paid or given back. May be null: transaction, payment_attempt, profile, profile_name, month, kind, hold, waiting_since, due_on, due_since, gateway, command.';
