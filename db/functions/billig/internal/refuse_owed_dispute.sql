create or replace function billig.refuse_owed_dispute(p_provider_reference text)
returns void
language plpgsql stable
as $$
declare
    v_owed billig.owed_back;
begin
    select o.* into v_owed from billig.owed_back as o where o.provider_reference = p_provider_reference;
    if not found then
        return;
    elsif v_owed.settled_at is null then
        raise exception 'the payment bought nothing: its money is owed back' using
            errcode = '23B12',
            detail = format('Reference %L, NOK %s.', p_provider_reference, v_owed.amount),
            hint = 'By the dispute the buyer has it back: billig.settle_owed_back, with the dispute''s reference.';
    end if;
    raise exception 'the payment bought nothing, and its money was paid back' using
        errcode = '23B12',
        detail = format('Reference %L, NOK %s, paid back %s.', p_provider_reference, v_owed.amount,
            coalesce('as ' || v_owed.settled_reference, 'without a reference')),
        hint = 'Contest the dispute with the provider: the buyer would have it twice.';
end;
$$;

comment on function billig.refuse_owed_dispute(text) is
'Refuses (23B12) a dispute of web money that came too late and bought nothing: it is owed back, or was paid back. Returns where it is another payment.';
