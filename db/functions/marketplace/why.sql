create or replace function marketplace.why(p_transaction bigint, p_language text default 'en')
returns table (code text, turn text, due_on date, says text, can_do text)
language plpgsql stable security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_profile bigint;
begin
    perform books.check_text('p_language', p_language);
    if p_language is null or p_language not in ('en', 'nb') then
        raise exception 'there are no words in this language' using
            errcode = '22023',
            detail = format('Language %L.', p_language),
            hint = 'en or nb.';
    end if;
    select t.profile into v_profile from marketplace.transaction as t where t.transaction = p_transaction;
    -- A profile's own role is told the same of another's as of none.
    if v_profile is null then
        raise exception 'no such transaction' using
            errcode = 'P0002',
            detail = format('Transaction %s.', p_transaction),
            hint = 'A profile''s are in marketplace.own_statement; all are in report.marketplace_transaction.';
    end if;
    perform marketplace.check_profile(v_profile);
    return query
    select
        s.code, n.turn, s.due_on,
        marketplace.in_words(
            case p_language when 'nb' then n.says_nb else n.says_en end, p_language, s.due_on, s.other_month, t.minimum, s.other
        ),
        marketplace.in_words(
            case p_language when 'nb' then n.can_do_nb else n.can_do_en end, p_language, s.due_on, s.other_month, t.minimum, s.other
        )
    from marketplace.standing(array[p_transaction], now()) as s
    inner join marketplace.transaction as t on s.transaction = t.transaction
    inner join marketplace.next_step as n on s.code = n.code;
end;
$$;

comment on function marketplace.why(bigint, text) is
'Why a transaction was, or was not, charged or paid, and what comes next: by the same rule as the job and the operator''s list (hold_of). code: of marketplace.next_step, stable; turn: whose it is, PERSON, OPERATOR, GATEWAY, TIME or NOBODY; due_on: the local day on which the next thing is expected, or on which it was done; says and can_do: that in words, p_language en or nb. 22023; P0002 no such transaction, or another''s. May be null: due_on.';
