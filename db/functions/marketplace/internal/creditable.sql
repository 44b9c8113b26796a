create or replace function marketplace.creditable(p_transactions bigint [])
returns table (transaction bigint, final_transaction bigint, creditable numeric)
language sql stable
set search_path = pg_catalog, marketplace, pg_temp
begin atomic
    select
        f.transaction, f.final_transaction,
        -- What was never taken, and what is left of what was; no charge has taken anything yet: no limit but the clicks.
        greatest(
            0,
            greatest(0, t.billed - a.amount / 100.0) + (a.amount - a.refunded - a.disputed - a.lost) / 100.0 - t.credited
        )
    from marketplace.charged_by(p_transactions) as f
    inner join marketplace.transaction as t on f.final_transaction = t.transaction
    inner join marketplace.payment_attempt as a on t.transaction = a.transaction
    where a.kind = 'CHARGE' and a.state = 'SUCCEEDED';
end;

comment on function marketplace.creditable(bigint []) is
'What corrections may still credit of the clicks of these transactions, NOK: what was given back by a refund, is in dispute or was lost is not credited as well. No row where nothing was charged: then only the clicks themselves are the limit. Those with one final_transaction share it.';
