create or replace function books.begin_request(p_function text, p_request_id text, p_arguments jsonb)
returns jsonb
language plpgsql
as $$
declare
    v_names text[];
    v_hash bytea;
    v_first books.request;
begin
    if p_request_id = '' then
        raise exception 'a request id is empty' using
            errcode = '22023',
            detail = format('Function %s.', p_function),
            hint = 'Pass an id of the client''s own for each call that may be tried again, or none.';
    end if;
    -- By the names that the function itself has: one that is forgotten below it is an error of every call with an id.
    select
        array_agg(n.name),
        sha256(convert_to(jsonb_object_agg(n.name, case jsonb_typeof(a.value)
            when 'number' then to_jsonb(trim_scale(a.value::numeric))
            when 'array' then (
                select coalesce(jsonb_agg(
                    case jsonb_typeof(e.value) when 'number' then to_jsonb(trim_scale(e.value::numeric)) else e.value end
                    order by e.ordinality
                ), '[]')
                from jsonb_array_elements(a.value) with ordinality as e
            )
            else a.value
        end)::text, 'UTF8'))
    into v_names, v_hash
    from pg_proc as p
    cross join unnest(p.proargnames[:p.pronargs]) as n (name)
    cross join lateral (select p_arguments -> n.name as value) as a
    where p.oid = p_function::regproc and n.name not in ('p_request_id', 'p_now');
    assert p_arguments ?& v_names and p_arguments - v_names = '{}',
        format('%s hands over other arguments than it has', p_function);

    -- A second call with the same id waits here until the first has committed or failed.
    insert into books.request (caller, function_name, request_id, arguments_sha256)
    values (session_user, p_function, p_request_id, v_hash)
    on conflict do nothing;
    if found then
        return null;
    end if;

    select * into v_first
    from books.request
    where caller = session_user and function_name = p_function and request_id = p_request_id;
    if v_first.arguments_sha256 is distinct from v_hash then
        raise exception 'the request id was used with other arguments' using
            errcode = '23B13',
            detail = format('Function %s, request id %L, first used %s.',
                p_function, p_request_id, v_first.requested_at),
            hint = 'A new call needs a new request id.';
    end if;
    return v_first.answer;
end;
$$;

comment on function books.begin_request(text, text, jsonb) is
'Begins a call that a client may retry. p_function: with its schema. p_arguments: all arguments of the function by name, save p_request_id and p_now; one that is missing, or too many, is an error (P0004). They are compared by hash, amounts by value: 500 is 500.00. Null: the id is new, go on. Else the first call''s answer, to be returned as it is. 22023: an empty id; 23B13: same id, other arguments.';
