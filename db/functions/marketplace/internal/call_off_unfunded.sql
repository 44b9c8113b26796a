create or replace function marketplace.call_off_unfunded(p_gateway text, p_kind text, p_now timestamptz)
returns void
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
begin
    if p_kind = 'CHARGE' then
        return;
    end if;
    -- Nothing is taken back between here and the commit.
    perform from marketplace.purse as p
    where p.purse in (
        select a.purse from marketplace.payment_attempt as a
        where a.gateway = p_gateway and a.kind = p_kind and a.state = 'PREPARED'
    )
    order by p.purse
    for update;
    update marketplace.payment_attempt as a
    set
        state = 'CANCELLED', event = 'cancelled', message = 'a gateway took back what it was to be paid from', is_released = true,
        changed_at = p_now, resolved_at = p_now, next_retry_at = null
    where a.payment_attempt in (
        select c.payment_attempt
        from marketplace.payment_attempt as c
        where
            c.gateway = p_gateway and c.kind = p_kind and c.state = 'PREPARED'
            and c.payment_attempt in (
                select o.payment_attempt
                from (
                    select
                        q.payment_attempt, p.available + sum(q.amount) over (partition by q.purse) as there,
                        sum(q.amount) over (
                            partition by q.purse order by q.kind = 'PAYOUT', q.payment_attempt rows unbounded preceding
                        ) as upto
                    from marketplace.payment_attempt as q
                    inner join marketplace.purse as p on q.purse = p.purse
                    where q.state = 'PREPARED' and q.kind <> 'CHARGE' and p.available < 0
                ) as o
                where o.upto > o.there
            )
        for update skip locked
    );
end;
$$;

comment on function marketplace.call_off_unfunded(text, text, timestamptz) is
'Calls off what was prepared of this kind for this gateway, and its purse has not any more: a gateway took back what had come in (a dispute). What is sent and what was paid stays; of what is prepared refunds go first, then the oldest. It is due again, under a new key, once the purse has so much: hold FUND. For claim_attempts, which has looked what the gateway has.';
