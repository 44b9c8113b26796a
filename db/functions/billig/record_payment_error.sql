create or replace function billig.record_payment_error(
    p_error text,
    p_message text,
    p_owner_email text default null,
    p_owner_cardno text default null,
    p_price_groups int[] default null,
    p_counts int[] default null
)
returns uuid
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_key uuid;
begin
    perform books.check_prose('p_message', p_message);
    perform books.check_text('p_error', p_error, 'p_owner_email', p_owner_email, 'p_owner_cardno', p_owner_cardno);
    p_price_groups := books.list('p_price_groups', p_price_groups);
    p_counts := books.list('p_counts', p_counts);
    perform billig.check_web();
    if
        coalesce(p_error, '') = '' or p_message is null or cardinality(p_price_groups) is distinct from cardinality(p_counts)
        or (select bool_or(c <= 0 or c is null) from unnest(p_counts) as c)
        or (select count(*) <> count(distinct g) from unnest(p_price_groups) as g)
    then
        raise exception 'a reference and a message are needed, and one count for each price group' using
            errcode = '22023',
            detail = format('Reference %L, message %L, price groups %s, counts %s.', p_error, p_message, p_price_groups, p_counts),
            hint = 'p_error is the text the buyer comes back with, p_message what to tell them.';
    end if;
    insert into billig.payment_error (error, failed, owner_cardno, owner_email, message)
    values (p_error, billig.local_time(), p_owner_cardno, p_owner_email, p_message)
    on conflict (error) do update
    set
        failed = excluded.failed, owner_cardno = excluded.owner_cardno, owner_email = excluded.owner_email,
        message = excluded.message;
    insert into billig.payment_error_key (error) values (p_error) on conflict do nothing;
    select k.error_key into v_key from billig.payment_error_key as k where k.error = p_error;
    delete from billig.payment_error_price_group where error = p_error;
    insert into billig.payment_error_price_group (error, price_group, number_of_tickets)
    select p_error, u.price_group, u.tickets
    from unnest(p_price_groups, p_counts) as u (price_group, tickets);
    return v_key;
end;
$$;

comment on function billig.record_payment_error(text, text, text, text, int[], int[]) is
'Hands a failed web payment over to the page that tells the buyer; the same reference again replaces it. Returns the key that shows it to the buyer (billig.show_payment_error), the same for the same reference. 22023 no reference or message, one named twice, or counts that do not pair up; 23503 no such price group; 42501.';
