create or replace function billig.refuse_owed_dispute(p_provider_reference text)
returns void
language plpgsql stable
as $$
declare
    v_owed billig.owed_back;
begin
    select o.* into v_owed
    from billig.owed_back as o
    where o.provider_reference = p_provider_reference
    order by o.owed_back desc -- the last: a debt that a dispute had paid may be open again
    limit 1;
    if not found or v_owed.used_payment is not null then
        return;
    elsif v_owed.settled_at is null then
        raise exception 'the payment bought nothing: its money is owed back' using
            errcode = '23B12',
            detail = format('Reference %L, NOK %s.', p_provider_reference, v_owed.amount),
            hint = format(
                'By the dispute the buyer has it back: %sselect billig.settle_owed_back(%s, ...), with the dispute''s reference.',
                (
                    select format('select * from billig.abort_purchase(%s), then ', v_owed.purchase)
                    from billig.owed_state as s
                    where s.owed_back = v_owed.owed_back and s.state = 'HELD'
                ),
                v_owed.owed_back
            );
    end if;
    raise exception 'the payment bought nothing, and its money was paid back' using
        errcode = '23B12',
        detail = format('Reference %L, NOK %s, paid back %s.', p_provider_reference, v_owed.amount,
            coalesce('as ' || v_owed.settled_reference, 'without a reference')),
        hint = 'Contest the dispute with the provider: the buyer would have it twice.';
end;
$$;

comment on function billig.refuse_owed_dispute(text) is
'Refuses (23B12) a dispute of web money that bought nothing: it is owed back, or was paid back. Returns where it is another payment.';
