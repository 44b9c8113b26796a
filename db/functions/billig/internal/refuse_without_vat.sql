create or replace function billig.refuse_without_vat(p_event int)
returns void
language plpgsql
as $$
begin
    raise exception 'the event has no VAT code with a rate today' using
        errcode = '23B16',
        detail = format('Event %s.', p_event),
        hint = 'Give the event a project or a VAT code of its own.';
end;
$$;

comment on function billig.refuse_without_vat(int) is 'Raises 23B16: nothing is sold without a VAT code.';
