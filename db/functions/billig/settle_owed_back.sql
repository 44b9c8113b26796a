create or replace function billig.settle_owed_back(p_owed_back bigint, p_reference text)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_owed billig.owed_back;
begin
    perform books.check_text('p_reference', p_reference);
    if coalesce(p_reference, '') = '' then
        raise exception 'a reference of the repayment is needed' using
            errcode = '22023', detail = 'p_reference is empty.', hint = 'Pass the provider''s or the bank''s reference.';
    end if;
    perform books.begin_posting();
    -- Purchase, tickets, then this: confirm_net_payment, which may use a part payment, locks in this order.
    perform billig.lock_purchase(o.purchase)
    from billig.owed_back as o
    where o.owed_back = p_owed_back and o.kind = 'PART';
    select o.* into v_owed from billig.owed_back as o where o.owed_back = p_owed_back for no key update;
    if v_owed.settled_reference = p_reference then
        return p_owed_back;
    elsif v_owed.owed_back is null or v_owed.settled_at is not null or v_owed.used_payment is not null then
        raise exception 'nothing is owed under that number' using
            errcode = case when v_owed.owed_back is null then 'P0002' else '23B12' end,
            detail = format('owed_back %s.', p_owed_back),
            hint = 'It may be settled already, or tickets were paid with it; see report.owed_back.';
    elsif (select s.state from billig.owed_state as s where s.owed_back = p_owed_back) = 'HELD' then
        raise exception 'the money is a part payment, and its tickets are held still' using
            errcode = '23B38',
            detail = format('owed_back %s: NOK %s for purchase %s.', p_owed_back, v_owed.amount, v_owed.purchase),
            hint = format(
                'If the rest does not come before their hold ends, it is owed back. If the buyer gave up: select * from billig.abort_purchase(%s)',
                v_owed.purchase
            );
    end if;
    update billig.owed_back
    set settled_at = clock_timestamp(), settled_by = session_user, settled_reference = p_reference
    where owed_back = p_owed_back;
    return p_owed_back;
end;
$$;

comment on function billig.settle_owed_back(bigint, text) is
'Notes that money owed to a buyer was paid back, by the login role; once more with the same reference changes nothing. P0002 no such; 23B12 settled by another reference, or tickets were paid with it; 23B38 a part payment whose tickets are held still; 22023.';
