create or replace function marketplace.move_reserve(p_amount numeric, p_reason text, p_now timestamptz default null)
returns numeric
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_available bigint;
    v_owed bigint;
begin
    p_now := jobs.server_time(p_now);
    if
        p_amount is null or p_amount = 0 or p_amount <> trunc(p_amount, 2) or coalesce(p_reason, '') = ''
    then
        raise exception 'moving money needs an amount and a reason' using
            errcode = '22023',
            detail = format('Amount %s, reason %L.', p_amount, p_reason),
            hint = 'NOK with at most two decimals: above 0 it is put in, below 0 taken out.';
    end if;
    select f.available into v_available from marketplace.fund as f for update;
    select coalesce(sum(c.amount), 0) into v_owed
    from marketplace.payment_candidate as c
    where c.kind <> 'CHARGE' and not c.is_live;
    -- Below the minimum it is not paid yet, and owed all the same.
    v_owed := v_owed + (
        select coalesce(sum(trunc(-t.carried_in * 100)), 0)
        from marketplace.transaction as t
        where t.status = 'CURRENT' and t.carried_in < 0
    );
    if p_amount < 0 and v_available + p_amount * 100 < v_owed then
        raise exception 'the money is owed to others' using
            errcode = '23B76',
            detail = format('It has NOK %s, owes NOK %s, and NOK %s was to be taken out.',
                round(v_available / 100.0, 2), round(v_owed / 100.0, 2), -p_amount),
            hint = 'What closed months owe stays in the fund until it is paid, also what rolled over because it is below the minimum.';
    end if;
    insert into marketplace.reserve_movement (amount, reason, moved_at) values (p_amount * 100, p_reason, p_now);
    update marketplace.fund as f set reserve = f.reserve + (p_amount * 100)::bigint;
    return round((v_available + p_amount * 100) / 100, 2);
end;
$$;

comment on function marketplace.move_reserve(numeric, text, timestamptz) is
'The operator puts money into the fund that payouts are made from (above 0), or takes some out (below 0), such as commissions; NOK. What is available then. 22023; 23B76 what is left would not cover what closed months owe.';
