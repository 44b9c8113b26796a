create or replace function marketplace.due_transactions(p_kind text default null, p_now timestamptz default now())
returns table (
    transaction bigint, profile bigint, month date, kind text, amount bigint, due_on date, attempt_number int,
    gateway text, payment_means bigint, refunds bigint, hold text, next_retry_at timestamptz, profile_name text
)
language plpgsql stable security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_today date;
    v_wanted bigint[];
    v_waits bigint[] := array[]::bigint[];
begin
    perform books.check_text('p_kind', p_kind);
    perform books.check_moment('p_now', p_now);
    v_today := (p_now at time zone books.time_zone())::date;
    select array_agg(c.transaction) into v_wanted
    from marketplace.payment_candidate as c
    where
        (p_kind is null or c.kind = p_kind) and c.kind <> 'CHARGE'
        and marketplace.hold_of(c, v_today, p_now) is null;

    -- Who goes first is a question only of a purse that has not enough for all.
    v_wanted := array(
        select x.transaction
        from (
            select c.transaction, c.purse, sum(c.amount) over (partition by c.purse) as total
            from marketplace.payment_candidate as c
            where c.transaction = any (v_wanted)
        ) as x
        inner join marketplace.purse as p on x.purse = p.purse
        where x.total > p.available
    );
    if v_wanted <> '{}' then
        select array_agg(x.transaction) into v_waits
        from (
            select
                c.transaction, c.purse,
                sum(c.amount) over (
                    partition by c.purse
                    order by c.kind = 'PAYOUT', u.amount is not null, c.due_on, c.transaction rows unbounded preceding
                ) as total
            from marketplace.payment_candidate as c
            left join marketplace.unfunded(v_wanted) as u on c.transaction = u.transaction
            where c.transaction = any (v_wanted)
        ) as x
        inner join marketplace.purse as p on x.purse = p.purse
        where x.total > p.available;
    end if;

    return query
    select
        c.transaction, c.profile, c.month, c.kind, c.amount, c.due_on, c.attempt_number, c.gateway, c.payment_means, c.refunds,
        case when c.transaction = any (v_waits) then 'FUND' else marketplace.hold_of(c, v_today, p_now) end,
        c.next_retry_at, p.profile_name::text
    from marketplace.payment_candidate as c
    inner join marketplace.profile as p on c.profile = p.profile
    where p_kind is null or c.kind = p_kind
    order by case c.kind when 'CHARGE' then 1 when 'REFUND' then 2 else 3 end, c.due_on, c.transaction;
end;
$$;

comment on function marketplace.due_transactions(text, timestamptz) is
'What is to be charged (CHARGE), given back (REFUND) and paid (PAYOUT), all kinds where p_kind is null; amount in øre, above 0. hold null: now; else why not: NOT_DUE before due_on; UNDER_WAY an attempt is; HELD a person holds the profile''s payouts (marketplace.payout_hold), said before due_on too; OWES the profile owes us, by a charge that is under way or looked at, and what it owes is not set off yet; ALARM a person must look at an attempt; NO_MEANS the profile has no means of payment, said before due_on too; RESTRICTED the gateway takes no payment to the profile''s account (marketplace.means_status), said before due_on too; RETRY_LATER until next_retry_at; BALANCE until then: our own balance at the gateway did not suffice, fill it up; EXHAUSTED declined too often, DECLINED hard, RETURNED by the bank: another means of payment is wanted; REJECTED or CANCELLED: a person must say retry_transaction; FUND the purse that it would be paid from has not enough: it has not come in, or a gateway took it back, and no reserve covers it. Then refunds go first, then payouts whose advertisers have paid, the oldest first. Changes nothing. May be null: gateway, payment_means, refunds, hold, next_retry_at.';
