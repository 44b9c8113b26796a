create or replace function billig.settle_owed_back(p_owed_back bigint, p_reference text)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
begin
    perform books.check_text('p_reference', p_reference);
    if coalesce(p_reference, '') = '' then
        raise exception 'a reference of the repayment is needed' using
            errcode = '22023', detail = 'p_reference is empty.', hint = 'Pass the provider''s or the bank''s reference.';
    end if;
    perform books.begin_posting();
    update billig.owed_back
    set settled_at = clock_timestamp(), settled_by = session_user, settled_reference = p_reference
    where owed_back = p_owed_back and settled_at is null;
    if not found and not exists (
        select from billig.owed_back where owed_back = p_owed_back and settled_reference = p_reference
    ) then
        raise exception 'nothing is owed under that number' using
            errcode = case when exists (select from billig.owed_back where owed_back = p_owed_back)
                then '23B12' else 'P0002' end,
            detail = format('owed_back %s.', p_owed_back),
            hint = 'It may be settled already; see billig.owed_back.';
    end if;
    return p_owed_back;
end;
$$;

comment on function billig.settle_owed_back(bigint, text) is
'Notes that money owed to a buyer was paid back, by the login role; once more with the same reference changes nothing. P0002 no such; 23B12 settled by another reference; 22023.';
