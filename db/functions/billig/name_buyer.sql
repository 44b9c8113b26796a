create or replace function billig.name_buyer(p_purchase bigint, p_owner_name text, p_key uuid default null)
returns void
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
declare
    v_purchase billig.purchase;
    v_may boolean;
begin
    perform books.check_text('p_owner_name', p_owner_name);
    if coalesce(p_owner_name, '') = '' then
        raise exception 'the buyer needs a name' using
            errcode = '22023',
            detail = format('p_owner_name is %L.', p_owner_name),
            hint = 'A name is not blank.';
    end if;
    select p.* into v_purchase from billig.purchase as p where p.purchase = p_purchase for no key update;
    v_may := billig.has_key(v_purchase.purchase, p_key)
        or pg_has_role(session_user, 'bookkeeper', 'usage')
        or billig.acts_for(v_purchase.seller)
        or (
            -- Before its cash is taken, by whoever is about to take it.
            pg_has_role(session_user, 'billig_seller', 'usage')
            and not exists (select from billig.ticket as t where t.purchase = p_purchase and t.paid is not null)
        );
    if v_purchase.purchase is null or (not v_may and p_key is not null) then
        raise exception 'no such purchase' using
            errcode = 'P0002',
            detail = format('Purchase %s%s.', coalesce(p_purchase::text, '-'), case when p_key is not null then ', with that key' end),
            hint = 'create_purchase returns its number, and its key.';
    end if;
    if not v_may then
        raise exception 'the buyer of this purchase is not for this login to name' using
            errcode = '42501',
            detail = format('Purchase %s, sold by %s.', p_purchase, coalesce(v_purchase.seller, 'the web')),
            hint = 'Pass p_key, which create_purchase gave; without it, who sold it may, any seller before it is paid, and a bookkeeper.';
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

comment on function billig.name_buyer(bigint, text, uuid) is
'Says who a purchase''s buyer is, for its receipts: once. Needed before NOK 40,000 or more is paid in cash for it (create_purchase takes p_owner_name for a sale at once). By who sold it (a registered service: whoever did), by any seller while nothing of it is paid, by a bookkeeper, and with p_key, its key, by anybody. 22023: no name; P0002: no such purchase, or another key; 42501; 23B20: another name stands there, or the buyer was erased and has nothing left to pay.';
