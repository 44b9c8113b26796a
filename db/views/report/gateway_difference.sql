create or replace view report.gateway_difference as
with reading as (
    select distinct on (b.gateway)
        b.gateway,
        b.read_at,
        b.job_run,
        b.available + b.pending - b.books as difference,
        (select min(f.since) from marketplace.gateway_balance as f where f.gateway = b.gateway) as since
    from marketplace.gateway_balance as b
    order by b.gateway asc, b.gateway_balance desc
),

named as (
    select
        e.gateway,
        'NOT_IN_OUR_BOOKS' as why,
        e.entry as balance_entry,
        null::bigint as payment_attempt,
        null::bigint as purse_movement,
        e.amount - e.fee as amount,
        e.entry_kind as what
    from marketplace.open_entry as e
    where e.currency = 'NOK'
    union all
    select
        l.gateway,
        case when l.told is null then 'NOT_AT_THE_GATEWAY' else 'ANOTHER_AMOUNT' end,
        null,
        l.payment_attempt,
        null,
        coalesce(l.told, 0) - l.amount,
        lower(a.kind)
    from marketplace.gateway_line as l
    inner join marketplace.payment_attempt as a on l.payment_attempt = a.payment_attempt
    inner join reading as r on l.gateway = r.gateway
    where coalesce(l.told, 0) <> l.amount and a.submitted_at >= r.since and l.changed_at <= r.read_at
    union all
    select
        l.gateway,
        'BOOKED_BY_HAND',
        null,
        null,
        l.purse_movement,
        coalesce(d.amount, 0) - l.amount,
        m.reason
    from marketplace.gateway_line as l
    inner join marketplace.purse_movement as m on l.purse_movement = m.purse_movement
    inner join reading as r on l.gateway = r.gateway
    left join lateral (
        select sum(e.amount - e.fee) as amount
        from marketplace.balance_decision as x
        inner join marketplace.balance_entry as e on x.gateway = e.gateway and x.entry = e.entry
        where x.gateway = l.gateway and x.is_booked and e.amount - e.fee = l.amount
    ) as d on true
    where l.entry is null and m.moved_at >= r.since and d.amount is null
)

select
    n.gateway,
    n.why,
    n.balance_entry,
    n.payment_attempt,
    n.purse_movement,
    (n.amount / 100.0)::numeric(14, 2) as amount,
    n.what
from named as n
union all
select
    r.gateway,
    'REST',
    null,
    null,
    null,
    ((r.difference - coalesce(n.amount, 0)) / 100.0)::numeric(14, 2),
    'from before it was first asked, or moved since it was asked last'
from reading as r
left join (
    select
        x.gateway,
        sum(x.amount) as amount
    from named as x
    group by x.gateway
) as n on r.gateway = n.gateway
where r.difference <> coalesce(n.amount, 0);

comment on view report.gateway_difference is
'Why a gateway has another balance than our books say (report.gateway_balance), line by line; amount in NOK, above 0 the gateway has more. NOT_IN_OUR_BOOKS: a line of its account that nothing of ours explains (book_entry); NOT_AT_THE_GATEWAY: of an attempt its account has nothing; ANOTHER_AMOUNT: something else; BOOKED_BY_HAND: a person moved it in our books, and its account has no such line yet; REST: what is left. Their sum is the difference.';
comment on column report.gateway_difference.gateway is 'The gateway';
comment on column report.gateway_difference.why is 'Which kind of difference';
comment on column report.gateway_difference.balance_entry is 'The line of its account; null: none';
comment on column report.gateway_difference.payment_attempt is 'The attempt (report.payment_attempt); null: none';
comment on column report.gateway_difference.purse_movement is 'Number of what was booked by hand; null: nothing';
comment on column report.gateway_difference.amount is 'NOK; above 0 the gateway has more than our books say';
comment on column report.gateway_difference.what is 'The gateway''s name of the line, the attempt''s kind, or a person''s reason';
