create or replace function billig.begin_request(p_function text, p_request_id text, p_arguments text)
returns jsonb
language plpgsql
as $$
declare
    v_hash constant bytea := sha256(convert_to(p_arguments, 'UTF8'));
    v_first billig.request;
begin
    -- A second call with the same id waits here until the first has committed or failed.
    insert into billig.request (caller, function_name, request_id, arguments_sha256)
    values (session_user, p_function, p_request_id, v_hash)
    on conflict do nothing;
    if found then
        return null;
    end if;

    select * into v_first
    from billig.request
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

comment on function billig.begin_request(text, text, text) is
'Begins a call that a client may retry. Null: the id is new, go on. Else the first call''s answer, to be returned as it is. 23B13: same id, other arguments.';
