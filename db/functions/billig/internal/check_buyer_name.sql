create or replace function billig.check_buyer_name(p_owner_name text)
returns void
language plpgsql immutable
as $$
begin
    if
        p_owner_name ~ '^$|^[\s\u00A0\u2000-\u200A\u202F\u3000]|[\s\u00A0\u2000-\u200A\u202F\u3000]$|[\u0001-\u001F\u007F-\u009F\u00AD\u200B-\u200F\u2028-\u202E\u2060-\u2069\uFEFF]'
    then
        raise exception 'that is no name' using
            errcode = '22023',
            detail = format('p_owner_name is %L.', p_owner_name),
            hint = 'A name is not blank, and has no white space at its edges and nothing invisible; leave it null where it is not known.';
    end if;
end;
$$;

comment on function billig.check_buyer_name(text) is
'Refuses a buyer''s name that is blank or has invisible signs (22023), as purchase_owner_name_check does. May be null: p_owner_name.';
