create or replace function books.list(p_name text, p_array anyarray, p_may_have_nulls boolean default false)
returns anyarray
language plpgsql immutable
as $$
declare
    v_list p_array%type;
begin
    if p_array is null or (array_ndims(p_array) is null) then
        return p_array;
    end if;
    if array_ndims(p_array) > 1 or not p_may_have_nulls and array_position(p_array, null) is not null then
        raise exception 'an array is no plain list' using
            errcode = '22023',
            detail = format('%s has %s.', p_name,
                case when array_ndims(p_array) > 1 then array_ndims(p_array) || ' dimensions' else 'a null in it' end),
            hint = 'Pass one dimension, without nulls.';
    end if;
    if array_lower(p_array, 1) = 1 then
        return p_array;
    end if;
    v_list := array(select u.element from unnest(p_array) with ordinality as u (element, place) order by u.place);
    return v_list;
end;
$$;

comment on function books.list(text, anyarray, boolean) is
'An array as a list from subscript 1 on, whatever the client''s begins at. 22023: several dimensions, or a null where none may be. May be null: p_array, p_array[], the result, the result[].';
