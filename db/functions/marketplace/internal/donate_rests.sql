create or replace function marketplace.donate_rests(p_month date, p_now timestamptz)
returns void
language sql
set search_path = pg_catalog, marketplace, pg_temp
begin atomic
    insert into marketplace.settlement (transaction, profile, kind, amount, reason, request_id, settled_at)
    select t.transaction, t.profile, 'DONATED', t.left_amount, k.reason, 'account closed', p_now
    from marketplace.transaction as t
    inner join marketplace.account_closing as k on t.profile = k.profile and k.reopened_at is null and k.rest = 'DONATE'
    where
        t.month = p_month and t.kind = 'MONTHLY' and t.status = 'NEW' and t.left_amount < 0
        and abs(t.left_amount) < marketplace.minimum_of('PAYOUT', p_month)
        -- What a gateway is at may come to nothing: then this is set off against it.
        and marketplace.debt_of(t.profile) = 0
    order by t.profile;
end;

comment on function marketplace.donate_rests(date, timestamptz) is
'What a month that is being closed leaves to closed accounts, below the minimum of a payout, stays with the operator where its owner said so (account_closing.rest DONATE), unless the account still owes something, which it is kept for. For close_month alone.';
