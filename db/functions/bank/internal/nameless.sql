create or replace function bank.nameless(p_more jsonb)
returns jsonb
language sql immutable parallel safe
return (
    select jsonb_object_agg(m.key, m.value)
    from jsonb_each(case when jsonb_typeof(p_more) = 'object' then p_more else '{}' end) as m
    where m.key in ('BkTxCd', 'AmtDtls')
);

comment on function bank.nameless(jsonb) is
'Of what a file says and has no column (more): the bank''s code and amounts, which name nobody and go on to say what an entry is. Null: nothing.';
