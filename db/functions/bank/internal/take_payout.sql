create or replace function bank.take_payout(p_import_file bigint, p_route int)
returns table (
    payouts bigint, known_payouts bigint, amount numeric, lines bigint, waiting_lines bigint, waiting_amount numeric
)
language plpgsql
-- The file_ tables are the temporary ones: begin_import made them, load_payout looked.
set search_path = pg_catalog, pg_temp, bank
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
    r record;
begin
    analyze file_payout, file_payout_line;
    update file_payout as p
    set gross = l.gross, fee = l.fee, other = l.other, net = l.net, lines = l.lines, content_key = l.content_key
    from (
        select
            k.payout, count(*) as lines, sum(k.fee) as fee, sum(k.net) as net,
            coalesce(sum(k.gross) filter (where k.kind <> 'ADJUSTMENT'), 0) as gross,
            coalesce(sum(k.gross) filter (where k.kind = 'ADJUSTMENT'), 0) as other,
            sha256(string_agg(k.line_key, ''::bytea order by k.line_key)) as content_key
        from (
            -- The first name is the acquirer's own; the others are as many as were asked for.
            select
                f.payout, f.kind, f.gross, f.fee, f.net,
                sha256(convert_to(jsonb_build_array(
                    f.kind, f.refs[1], f.occurred_on, trim_scale(f.gross), trim_scale(f.fee), trim_scale(f.net)
                )::text, 'UTF8')) as line_key
            from file_payout_line as f
        ) as k
        group by k.payout
    ) as l
    where p.payout = l.payout;

    select p.line, p.payout_id, p.lines, p.net into r
    from file_payout as p
    inner join bank.payout as o on o.route = p_route and p.payout_id = o.payout_id
    where
        p.content_key <> o.content_key
        and not exists (select from bank.payout_withdrawal as w where w.payout = o.payout)
    order by p.line
    limit 1;
    if found then
        raise exception 'payout % was loaded before, with other lines', r.payout_id using
            errcode = '23B88',
            detail = format('Line %s: %s lines, together %s.', r.line, r.lines, r.net),
            hint = 'Which of the two is whole? If it is this one, withdraw_payout withdraws the other.';
    end if;

    with made as (
        insert into bank.payout as o (
            import_file, line, route, payout_id, names, paid_on, gross, fee, other, net, lines, content_key, replaces
        )
        select
            p_import_file, p.line, p_route, p.payout_id,
            array(select distinct n from unnest(p.payout_id || p.names) as n where n <> '' order by n),
            p.paid_on, p.gross, p.fee, p.other, p.net, p.lines, p.content_key,
            (
                select max(w.payout) from bank.payout_withdrawal as w
                where w.route = p_route and w.payout_id = p.payout_id
            )
        from file_payout as p
        where
            not exists (
                select from bank.payout as o
                where
                    o.route = p_route
                    and (
                        o.payout_id = p.payout_id
                        -- what another format calls otherwise, and has the same lines under a name that both have
                        or o.content_key = p.content_key and o.paid_on = p.paid_on and o.names && (p.payout_id || p.names)
                    )
                    and not exists (select from bank.payout_withdrawal as w where w.payout = o.payout)
            )
        order by p.line
        returning o.payout, o.payout_id
    ),

    line as (
        insert into bank.payout_line (payout, line, kind, refs, occurred_on, gross, fee, net)
        select
            m.payout, f.line, f.kind,
            case
                when f.kind = 'DISPUTE' then f.refs -- the first is its own
                else array(select distinct n from unnest(f.refs) as n where n <> '' order by n)
            end,
            f.occurred_on, f.gross, f.fee, f.net
        from made as m
        inner join file_payout as p on m.payout_id = p.payout_id
        inner join file_payout_line as f on p.payout = f.payout
    )

    select count(*), count(*) - (select count(*) from made), coalesce(sum(p.net), 0), coalesce(sum(p.lines), 0)
    into payouts, known_payouts, amount, lines
    from file_payout as p;
    select count(*), coalesce(sum(f.net), 0) into waiting_lines, waiting_amount
    from file_payout_line as f
    where not exists (select from file_payout as p where p.payout = f.payout);
    return next;
end;
$$;

comment on function bank.take_payout(bigint, int) is
'Payouts of the temporary tables of begin_import, those that are new on the route, with their lines: called by load_payout. Returns how many payouts and lines the file has, how many payouts were loaded before, what was paid, and how many lines are in no payout yet and what they come to. One that stands for a withdrawn payout says so. 23B88: a payout that was loaded before, with other lines.';
