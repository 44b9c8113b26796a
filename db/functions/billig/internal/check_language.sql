create or replace function billig.check_language(p_language text)
returns void
language plpgsql stable
as $$
begin
    if not exists (select from billig.receipt_word as w where w.language = p_language) then
        raise exception 'receipts are not printed in that language' using
            errcode = '22023',
            detail = format('Language %L.', p_language),
            hint = 'nb or en.';
    end if;
end;
$$;

comment on function billig.check_language(text) is
'Refuses a language that receipts have no words in (22023). May be null: p_language.';
