create or replace function billig.show_payment_error(p_error text, p_key uuid)
returns table (
    error text, failed timestamp, owner_cardno text, owner_email text, message text, price_group int,
    number_of_tickets int
)
language plpgsql stable security definer
set search_path = pg_catalog, billig, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    select
        e.error::text, e.failed::timestamp, e.owner_cardno::text, e.owner_email::text, e.message::text, g.price_group, g.number_of_tickets
    from billig.payment_error as e
    inner join billig.payment_error_key as k on e.error = k.error
    left join billig.payment_error_price_group as g on e.error = g.error
    where e.error = p_error and k.error_key = p_key
    order by g.price_group;
    if not found then
        raise exception 'no such failed payment' using
            errcode = 'P0002',
            detail = format('Reference %L, with that key.', p_error),
            hint = 'record_payment_error gives the key; a buyer who was erased has another one.';
    end if;
end;
$$;

comment on function billig.show_payment_error(text, uuid) is
'One failed payment, to who has its key: one row per price group that was chosen, so that the form can be filled again; one row without where none was. P0002: no such reference, or another key; which of the two is not said. May be null: owner_cardno, owner_email, price_group, number_of_tickets.';
