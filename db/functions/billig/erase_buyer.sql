create or replace function billig.erase_buyer(p_owner_member_id int default null, p_owner_email text default null)
returns table (what text, erased_rows bigint, kept_until date)
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_purchases bigint[];
    v_cards bigint[];
    v_errors text[];
    v_rows bigint;
    v_kept date;
begin
    perform books.check_text('p_owner_email', p_owner_email);
    if p_owner_member_id is null and coalesce(p_owner_email, '') = '' then
        raise exception 'a member id or an e-mail is needed' using
            errcode = '22023',
            detail = 'Both are empty.',
            hint = 'Erase one buyer at a time.';
    end if;
    with erased as (
        update billig.purchase
        set
            owner_member_id = null, owner_email = null, owner_card = null,
            -- what a document has to say stays
            owner_name = case
                when billig.name_kept_until(purchase) >= billig.local_time()::date then owner_name
            end,
            erased = now()
        where
            owner_member_id = p_owner_member_id or lower(owner_email) = lower(nullif(p_owner_email, ''))
            or owner_card in (select c.card from billig.ticket_card as c where c.owner_member_id = p_owner_member_id)
        returning purchase, owner_name
    )
    select array_agg(e.purchase), max(billig.name_kept_until(e.purchase)) filter (where e.owner_name is not null)
    into v_purchases, v_kept
    from erased as e;
    update billig.purchase_key set purchase_key = gen_random_uuid() where purchase = any (v_purchases);
    what := 'purchase';
    erased_rows := coalesce(cardinality(v_purchases), 0);
    kept_until := v_kept;
    return next;
    kept_until := null;

    with erased as (
        update billig.ticket_card
        set owner_member_id = null
        where owner_member_id = p_owner_member_id
        returning card
    )
    select array_agg(card) into v_cards from erased;
    what := 'ticket_card';
    erased_rows := coalesce(cardinality(v_cards), 0);
    return next;

    with erased as (
        update billig.payment_error
        set owner_email = null, owner_cardno = null, message = ''
        where lower(owner_email) = lower(nullif(p_owner_email, '')) or owner_cardno = any (v_cards::text[])
        returning error
    )
    select array_agg(error) into v_errors from erased;
    update billig.payment_error_key set error_key = gen_random_uuid() where error = any (v_errors);
    what := 'payment_error';
    erased_rows := coalesce(cardinality(v_errors), 0);
    return next;

    -- The hash of a call's arguments would answer whether an e-mail was among them.
    update books.request
    set arguments_sha256 = null
    where function_name = 'billig.create_purchase' and (answer -> 0 ->> 'purchase')::bigint = any (v_purchases);
    get diagnostics v_rows = row_count;
    what := 'request';
    erased_rows := v_rows;
    return next;
end;
$$;

comment on function billig.erase_buyer(int, text) is
'Erases a buyer (GDPR art. 17) from purchases, ticket cards, payment errors and kept requests: one row per table with the rows erased. The log holds no buyers and stays whole, and so do the figures. The keys that showed them to the buyer open nothing any more. kept_until, of purchases: until when the buyer''s name stays on documents that have to say it, NOK 40,000 or more having been paid in cash (GDPR art. 17 (3) b; bokføringsloven § 13); the job kept_names erases it after that. What a bank wrote of a payment is not reached: statements are primary documentation, kept whole for five years after the year (bokføringsloven § 13), for the bookkeeper alone to read, and erased by the job bank_texts after that. 22023: nobody named. May be null: kept_until.';
