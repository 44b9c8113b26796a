create or replace function marketplace.close_month(p_month date, p_now timestamptz default null)
returns table (status text, transactions bigint, due_amount numeric, carried_out numeric)
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
set plan_cache_mode = force_custom_plan
set enable_nestloop = off
set jit = off
as $$
#variable_conflict use_column
declare
    v_month date;
    v_next date;
    v_charge numeric;
    v_payout numeric;
begin
    perform books.check_day('p_month', p_month);
    p_now := jobs.server_time(p_now);
    if p_month is null then
        raise exception 'no month is named' using
            errcode = '22023',
            detail = 'p_month is null.',
            hint = 'Name the month by its first day; a closed month stays closed.';
    end if;
    v_month := marketplace.lock_open_month(p_month, p_now);
    v_next := marketplace.next_month(v_month);
    if p_now < marketplace.day_begins(v_next) then
        raise exception 'the month is not over' using
            errcode = '23B61',
            detail = format('Month %s ends %s; now is %s.', v_month, marketplace.day_begins(v_next), p_now),
            hint = 'Close it then.';
    end if;

    perform marketplace.link_clicks(v_month, 'CLOSE', marketplace.day_begins(v_next), p_now);
    update marketplace.month as m set closed_at = p_now, closed_by = session_user where m.month = v_month;
    insert into marketplace.month (month, opened_at) values (v_next, p_now);

    v_charge := marketplace.minimum_of('CHARGE', v_month);
    v_payout := marketplace.minimum_of('PAYOUT', v_month);
    with total as (
        select
            t.transaction, t.profile,
            t.net_amount + t.carried_in + t.offset_in as amount,
            trunc(t.net_amount + t.carried_in + t.offset_in, 2) as in_ore,
            case
                when k.profile is not null then 0  -- who has left: whatever it is
                when t.net_amount + t.carried_in + t.offset_in >= 0 then v_charge
                else v_payout
            end as minimum,
            t.advertisement_amount - coalesce(j.amount, 0) as billed
        from marketplace.transaction as t
        left join (
            select a.transaction, sum(a.amount) as amount
            from marketplace.adjustment as a
            inner join marketplace.update_run as u on a.update_run = u.update_run
            where u.month = v_month and a.side = 'ADVERTISEMENT'
            group by a.transaction
        ) as j on t.transaction = j.transaction
        left join marketplace.account_closing as k on t.profile = k.profile and k.reopened_at is null
        where t.month = v_month and t.kind = 'MONTHLY' and t.status = 'CURRENT'
    ),

    outcome as materialized (
        select
            t.transaction, t.profile, t.amount, t.minimum, t.billed,
            case
                when t.amount = 0 then 'EXECUTED'
                when t.in_ore = 0 or abs(t.in_ore) < t.minimum then 'ROLLED_OVER'
                else 'NEW'
            end as status,
            case when abs(t.in_ore) >= t.minimum then t.in_ore else 0 end as due_amount
        from total as t
    ),

    next as (
        insert into marketplace.transaction (month, profile, carried_in, rolled_from, created_at)
        select
            v_next, o.profile, o.amount - o.due_amount,
            case when o.status = 'ROLLED_OVER' then o.transaction end,
            p_now
        from outcome as o
        where o.amount <> o.due_amount
        order by o.profile
        returning transaction, rolled_from
    )

    update marketplace.transaction as t
    set
        status = o.status,
        due_amount = o.due_amount,
        carried_out = o.amount - o.due_amount,
        minimum = o.minimum,
        billed = o.billed,
        rolled_to = n.transaction,
        closed_at = p_now,
        executed = case when o.status = 'EXECUTED' then (p_now at time zone books.time_zone())::date end
    from outcome as o
    left join next as n on o.transaction = n.rolled_from
    where t.transaction = o.transaction;

    perform marketplace.net_accounts(null, p_now);
    perform marketplace.donate_rests(v_month, p_now);

    return query
    select t.status, count(*), sum(t.due_amount), sum(t.carried_out)
    from marketplace.transaction as t
    where t.month = v_month and t.kind = 'MONTHLY'
    group by t.status
    order by t.status;
end;
$$;

comment on function marketplace.close_month(date, timestamptz) is
'Closes the open month, once it is over: links its last clicks, freezes the amounts, cuts each off to whole øre once (towards 0: nobody is charged or paid more than is owed) and carries the remainder to the next month, which it opens. Below the minimum all of it rolls over, unless the profile''s account is closed (close_account). What profiles owe for other months is set off at once (marketplace.set_off). CURRENT becomes NEW, ROLLED_OVER, or EXECUTED where nothing is due, or left. One row per status; NOK. 22023; 23B60 it is closed; 23B61 it is not over, or an earlier one is open.';
