create or replace function marketplace.has_alarm(p_transaction bigint)
returns boolean
language sql stable
set search_path = pg_catalog, marketplace, pg_temp
begin atomic
    select exists (
        select
        from marketplace.transaction as t
        inner join marketplace.payment_attempt as a on a.transaction in (t.transaction, t.corrects)
        where t.transaction = p_transaction and (a.alarm is not null or a.doubted_at is not null)
    );
end;

comment on function marketplace.has_alarm(bigint) is
'Whether a person must look at an attempt of this transaction, or of the one that it corrects, or the gateway is to be asked about it (doubted_at): a charge that is disputed is not given back as well.';
