create or replace function marketplace.unfunded(p_transactions bigint [])
returns table (transaction bigint, amount numeric)
language plpgsql stable
set search_path = pg_catalog, marketplace, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    with payout as materialized (
        select
            t.transaction, t.profile, marketplace.day_begins(t.month) as begins,
            marketplace.day_begins(marketplace.next_month(t.month)) as ends
        from marketplace.transaction as t
        where t.transaction = any(p_transactions)
    ),

    earned as materialized (
        select
            c.website_payment_transaction as transaction, c.advertisement_charge_transaction as charge,
            sum(c.publisher_share) as amount
        from marketplace.ad_click as c
        inner join payout as p
            on
                c.publisher = p.profile and c.website_payment_transaction = p.transaction
                and c.click_time >= p.begins and c.click_time < p.ends
        group by c.website_payment_transaction, c.advertisement_charge_transaction
    )

    select e.transaction, sum(e.amount)
    from earned as e
    inner join marketplace.transaction as a on e.charge = a.transaction
    where a.status in ('NEW', 'FAILED') and a.due_amount > 0
    group by e.transaction;
end;
$$;

comment on function marketplace.unfunded(bigint []) is
'What these payouts have of clicks whose advertisers have been asked to pay, and have not: NOK of the month''s own clicks, rows above 0 only. Says who waits where there is not enough for all.';
