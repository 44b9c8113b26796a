create or replace function books.check_text(variadic p_arguments text[])
returns void
language plpgsql immutable
as $$
declare
    v_at int := 1;
    v_text text;
    v_odd int;
begin
    perform p_arguments::books.line[];
exception
    when check_violation then
        while books.fits_line(p_arguments[v_at + 1]) loop
            v_at := v_at + 2;
        end loop;
        v_text := p_arguments[v_at + 1];
        select min(n) into v_odd
        from generate_series(1, length(v_text)) as n
        where not books.fits_line('x' || substr(v_text, n, 1) || 'x');
        raise exception 'a text is not one plain line' using
            errcode = '22023',
            detail = case
                when v_odd is not null then
                    format('%s has the character U+%s at place %s.', p_arguments[v_at],
                        lpad(upper(to_hex(ascii(substr(v_text, v_odd, 1)))), 4, '0'), v_odd)
                when v_text ~ '^ +$' then format('%s is nothing but white space.', p_arguments[v_at])
                when v_text ~ '^ | $' then format('%s has white space at its edge: %L.', p_arguments[v_at], left(v_text, 100))
                else format('%s has %s characters.', p_arguments[v_at], length(v_text))
            end,
            hint = 'Leave out line breaks, invisible characters, spaces but the ordinary one, and white space at the edges; 500 characters at most.';
end;
$$;

comment on function books.check_text(text[]) is
'Refuses (22023) texts that are no plain line (books.line): names of arguments and their values, in turn. What is null or empty passes: whether it may be left out is for who asks. May be null: p_arguments[].';
