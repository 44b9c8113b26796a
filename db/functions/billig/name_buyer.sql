create or replace function billig.name_buyer(p_purchase bigint, p_owner_name text)
returns void
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
declare
    v_purchase billig.purchase;
begin
    perform books.check_text('p_owner_name', p_owner_name);
    if coalesce(p_owner_name, '') = '' then
        raise exception 'the buyer needs a name' using
            errcode = '22023',
            detail = format('p_owner_name is %L.', p_owner_name),
            hint = 'A name is not blank.';
    end if;
    select p.* into v_purchase from billig.purchase as p where p.purchase = p_purchase for no key update;
    if not found then
        raise exception 'no such purchase' using
            errcode = 'P0002',
            detail = format('Purchase %s.', coalesce(p_purchase::text, '-')),
            hint = 'create_purchase returns its number.';
    end if;
    if
        v_purchase.owner_name <> p_owner_name
        -- what an erased buyer has yet to pay may need a name again
        or v_purchase.erased is not null and not exists (
            select from billig.ticket as t
            where t.purchase = p_purchase and t.paid is null and t.refunded is null
        )
    then
        raise exception 'the buyer is named already' using
            errcode = '23B20',
            detail = format('Purchase %s has a name, or its buyer was erased.', p_purchase),
            hint = 'A name stands on receipts, and is given once.';
    end if;
    update billig.purchase set owner_name = p_owner_name where purchase = p_purchase and owner_name is null;
end;
$$;

comment on function billig.name_buyer(bigint, text) is
'Says who a purchase''s buyer is, for its receipts: once. Needed before NOK 40,000 or more is paid in cash for it (create_purchase takes p_owner_name for a sale at once). 22023: no name; P0002; 23B20: another name stands there, or the buyer was erased and has nothing left to pay.';
