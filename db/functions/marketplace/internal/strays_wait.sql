create or replace function marketplace.strays_wait(p_now timestamptz)
returns table (
    gateway text, gateway_id text, profile bigint, profile_name text, month date, kind text, amount numeric, currency text,
    waiting_since timestamptz, term interval, is_overdue boolean, command text
)
language sql stable
set search_path = pg_catalog, marketplace, pg_temp
begin atomic
    select
        s.gateway, s.gateway_id, p.profile, p.profile_name::text, s.month, s.kind, round(s.amount / 100.0, 2), s.currency,
        x.waiting_since, w.term, x.waiting_since + w.term < p_now,
        case
            -- Somebody gave back what had been given back: that is the operator's loss.
            when
                s.kind = 'REFUND' and s.idempotency_key is null and r.transaction is null and s.currency = c.currency
                and s.amount > c.left_amount and not x.is_own_first
                then format('select marketplace.declare_foreign(%L, %L, ''why''); select marketplace.book_fee(%s, ''why'', %L);',
                    s.gateway, s.gateway_id, round(s.amount / 100.0, 2), c.purse)
            when s.kind = 'REFUND' and c.payment_attempt is not null or x.may_be_ours
                then format('pybridge payment reconcile %s', s.gateway)
            else format('select marketplace.declare_foreign(%L, %L, ''why'');', s.gateway, s.gateway_id)
        end
    from marketplace.stray as s
    inner join marketplace.waiting_term as w on w.code = 'STRAY'
    left join marketplace.profile as p on s.profile = p.profile
    left join marketplace.gateway_look as l on s.gateway_look = l.gateway_look
    left join marketplace.payment_attempt as c
        on s.gateway = c.gateway and s.parent = c.gateway_id and c.kind = 'CHARGE'
    left join marketplace.transaction as r
        on c.transaction = r.corrects and r.kind = 'REFUND' and r.request_id = coalesce(s.request_id, s.gateway_id)
    cross join lateral (
        select
            -- When it was first heard of; what it was restored from may have made it long before.
            coalesce(
                least(
                    (
                        select min(e.received_at)
                        from marketplace.gateway_event as e
                        where e.gateway = s.gateway and e.gateway_id = s.gateway_id
                    ),
                    l.begun_at
                ),
                s.made_at
            ) as waiting_since,
            exists (
                select from marketplace.stray as o
                where
                    o.gateway = s.gateway and o.parent = s.parent and o.kind = 'REFUND' and o.idempotency_key is not null
                    and o.resolution is null
            ) as is_own_first,
            -- What is due here has its key; or it may, once a month is closed that was over when it was made.
            exists (
                select from marketplace.find_key(s.idempotency_key, s.kind, s.profile, s.attempt_number)
            )
            or exists (
                select from marketplace.transaction as t
                where
                    t.status = 'CURRENT' and (s.profile is null or t.profile = s.profile)
                    and marketplace.next_month(t.month) <= (s.made_at at time zone books.time_zone())::date
            ) as may_be_ours
    ) as x
    where s.resolution is null;
end;

comment on function marketplace.strays_wait(timestamptz) is
'What gateways have of ours and no attempt explains, as report.waiting has it: since when, whether for longer than its term (marketplace.waiting_term, STRAY), and what ends it. command: reconcile where something here may be it, else declare_foreign. For marketplace.waiting alone. May be null: profile, profile_name, month.';
