create or replace function books.list(p_name text, p_array anyarray, p_may_have_nulls boolean default false)
returns anyarray
language plpgsql immutable
as $$
begin
    if not p_may_have_nulls and exists (
        select from unnest(p_array) as u (element) where u.element is null
    ) then
        raise exception 'an array has a null in it' using
            errcode = '22023',
            detail = format('%s has %s elements.', p_name, cardinality(p_array)),
            hint = 'Leave the null out, or name what was meant.';
    end if;
    if p_array is null or array_ndims(p_array) = 1 and array_lower(p_array, 1) = 1 then
        return p_array;
    end if;
    return array(select u.element from unnest(p_array) with ordinality as u (element, place) order by u.place);
end;
$$;

comment on function books.list(text, anyarray, boolean) is
'An array as a list from subscript 1 on, whatever the client''s begins at and however many dimensions it has: its elements in their order. 22023: a null where none may be. May be null: p_array, p_array[], the result, the result[].';
