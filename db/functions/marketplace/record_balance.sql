create or replace function marketplace.record_balance(
    p_gateway text,
    p_job_run bigint,
    p_since timestamptz,
    p_available bigint,
    p_pending bigint,
    p_entries jsonb,
    p_now timestamptz default null
)
returns table (booked bigint, open_entries bigint, difference numeric)
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_now timestamptz;
    v_purse text;
    v_bank text;
    v_new text[];
    v_booked bigint;
    v_books bigint;
begin
    perform books.check_text('p_gateway', p_gateway);
    perform books.check_moment('p_since', p_since);
    v_now := jobs.server_time(p_now);
    perform jobs.own_run(p_job_run);
    select g.purse into v_purse from marketplace.gateway as g where g.gateway = p_gateway and g.looks_up for no key update;
    if not found or p_since is null or p_available is null or p_pending is null or jsonb_typeof(p_entries) is distinct from 'array' then
        raise exception 'a balance is of a gateway that can be asked, with its lines' using
            errcode = '22023',
            detail = format('Gateway %L, since %s, available %s, pending %s.', p_gateway, p_since, p_available, p_pending),
            hint = 'As balance_since says; lines as pybridge.payments.gateways.Entry has them, an empty array where there are none.';
    end if;
    with told as (
        insert into marketplace.balance_entry (
            gateway, entry, effect, entry_kind, amount, fee, currency, about, made_at, told_at
        )
        select p_gateway, o.entry_id, o.effect, o.kind, o.amount, o.fee, o.currency, o.about, o.made_at, v_now
        from jsonb_to_recordset(p_entries) as o (
            entry_id text, effect text, kind text, amount bigint, fee bigint, currency text, about text, made_at timestamptz
        )
        order by o.made_at, o.entry_id
        on conflict do nothing
        returning entry
    )

    select coalesce(array_agg(t.entry), '{}') into v_new from told as t;
    -- The account that it pays us out to is the bank's, if that has a purse of its own; else the money is where it was.
    select g.purse into v_bank from marketplace.gateway as g where g.gateway = 'bank' and g.purse <> v_purse;
    perform from marketplace.purse as p where p.purse in (v_purse, v_bank) order by p.purse for update;
    insert into marketplace.purse_movement (purse, kind, amount, reason, moved_at, gateway, entry)
    select x.purse, x.kind, x.amount, format('%s: %s %s', e.gateway, e.entry_kind, e.entry), v_now, e.gateway, e.entry
    from marketplace.balance_entry as e
    cross join lateral (
        values
        (1, v_purse, 'FEE', case when e.effect = 'FEE' then e.amount - e.fee when e.effect <> 'OTHER' then -e.fee end),
        (2, v_purse, 'TRANSFER', case when e.effect = 'WITHDRAWAL' then e.amount end),
        (3, v_bank, 'TRANSFER', case when e.effect = 'WITHDRAWAL' then -e.amount end)
    ) as x (place, purse, kind, amount)
    where e.gateway = p_gateway and e.entry = any (v_new) and e.currency = 'NOK' and x.amount <> 0 and (x.kind = 'FEE' or v_bank is not null)
    order by e.made_at, e.entry, x.place;
    get diagnostics v_booked = row_count;
    select coalesce(sum(l.amount), 0) into v_books from marketplace.gateway_line as l where l.gateway = p_gateway;
    insert into marketplace.gateway_balance (gateway, available, pending, books, entries, since, read_at, job_run)
    values (
        p_gateway, p_available, p_pending, v_books, cardinality(v_new), p_since, least(v_now, clock_timestamp()), p_job_run
    );
    return query
    select
        v_booked, (select count(*) from marketplace.open_entry as e where e.gateway = p_gateway),
        round((p_available + p_pending - v_books) / 100.0, 2);
end;
$$;

comment on function marketplace.record_balance(text, bigint, timestamptz, bigint, bigint, jsonb, timestamptz) is
'What a gateway says that it has of our money (p_available, p_pending: øre), and the lines of its own account made since p_since: each is kept once. Its fees are booked (FEE), and what it paid out to our bank or got back (TRANSFER), where the bank has a purse of its own: facts, whatever the purse has. booked: how many movements; open_entries: lines that a person is to say of what they are (book_entry); difference: NOK that it has more than our books say (report.gateway_difference). 22023; P0002 no such run; 23B69 it has ended, or is another session''s.';
