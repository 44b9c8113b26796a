create or replace function marketplace.book_entry(
    p_gateway text, p_entry text, p_reason text, p_is_booked boolean default false, p_now timestamptz default null
)
returns numeric
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_entry marketplace.balance_entry;
    v_purse text;
    v_now timestamptz;
begin
    perform books.check_text('p_gateway', p_gateway, 'p_entry', p_entry, 'p_reason', p_reason);
    v_now := jobs.server_time(p_now);
    if btrim(coalesce(p_reason, '')) = '' or p_is_booked is null then
        raise exception 'what a line is needs a reason' using
            errcode = '22023',
            detail = format('Line %L of %L, reason %L, booked already: %s.', p_entry, p_gateway, p_reason, p_is_booked),
            hint = 'Say what it was, such as: topped up from our account at the bank.';
    end if;
    select e.* into v_entry from marketplace.balance_entry as e where e.gateway = p_gateway and e.entry = p_entry;
    if not found then
        raise exception 'no such line' using
            errcode = 'P0002',
            detail = format('Line %L of %L.', p_entry, p_gateway),
            hint = 'select * from report.gateway_difference has those that nothing explains.';
    end if;
    select g.purse into v_purse from marketplace.gateway as g where g.gateway = p_gateway for no key update;
    if not exists (select from marketplace.open_entry as e where e.gateway = p_gateway and e.entry = p_entry) then
        raise exception 'the line is explained already' using
            errcode = '23B49',
            detail = format('Line %s of %s: %s.', p_entry, p_gateway, v_entry.entry_kind),
            hint = 'select * from report.gateway_difference has those that nothing explains.';
    elsif v_entry.currency <> 'NOK' and not p_is_booked then
        raise exception 'the line is not in kroner' using
            errcode = '23B50',
            detail = format('Line %s of %s: %s.', p_entry, p_gateway, v_entry.currency),
            hint = 'Book what it is worth by move_reserve, and say here that it is booked: p_is_booked => true.';
    end if;
    insert into marketplace.balance_decision (gateway, entry, is_booked, reason, decided_at)
    values (p_gateway, p_entry, p_is_booked, p_reason, v_now);
    if not p_is_booked and v_entry.amount - v_entry.fee <> 0 then
        insert into marketplace.purse_movement (purse, kind, amount, reason, moved_at, gateway, entry)
        values (v_purse, 'RESERVE', v_entry.amount - v_entry.fee, p_reason, v_now, p_gateway, p_entry);
    end if;
    return (select round(p.available / 100.0, 2) from marketplace.purse as p where p.purse = v_purse);
end;
$$;

comment on function marketplace.book_entry(text, text, text, boolean, timestamptz) is
'A person says of a line of a gateway''s own account that nothing of ours explains: it is the operator''s, such as a top-up, and is booked as RESERVE of the gateway''s purse; p_is_booked: it stands in our books already, and is not booked once more. NOK that the purse has then. 22023; P0002 no such line; 23B49 it is explained already; 23B50 it is not in kroner.';
