create or replace function marketplace.prepare_attempts(p_kind text, p_now timestamptz default null)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
begin
    perform books.check_text('p_kind', p_kind);
    p_now := jobs.server_time(p_now);
    if p_kind is null or p_kind not in ('CHARGE', 'PAYOUT', 'REFUND') then
        raise exception 'attempts are prepared kind by kind' using
            errcode = '22023',
            detail = format('Kind %s.', p_kind),
            hint = 'CHARGE, PAYOUT or REFUND.';
    end if;
    return marketplace.make_attempts(p_kind, null, p_now);
end;
$$;

comment on function marketplace.prepare_attempts(text, timestamptz) is
'Makes an attempt, PREPARED, with its request frozen and a key of its own, made of what a restored ledger has again (attempt_key), for each transaction of this kind that due_transactions says is due now, after what profiles owe was set against what they are owed, their accounts locked; how many. Commit before anything is sent. 22023.';
