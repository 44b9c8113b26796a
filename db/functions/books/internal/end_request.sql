create or replace function books.end_request(p_function text, p_request_id text, p_answer jsonb)
returns void
language sql
begin atomic
    update books.request
    set answer = coalesce(p_answer, '[]'::jsonb)
    where caller = session_user and function_name = p_function and request_id = p_request_id;
end;

comment on function books.end_request(text, text, jsonb) is 'Keeps the answer of a call for its retries.';
