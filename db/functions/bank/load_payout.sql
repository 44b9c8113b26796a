create or replace function bank.load_payout(
    p_road_name text, p_file_name text, p_content_sha256 bytea, p_format text
)
returns table (import_file bigint, payouts bigint, known_payouts bigint, lines bigint, waiting_lines bigint)
language plpgsql security definer
set search_path = pg_catalog, bank, pg_temp
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
    v_road int;
    v_import_file bigint;
    r record;
begin
    if
        (
            select count(*) <> 2
            from pg_class as c
            where
                c.relnamespace = pg_my_temp_schema() and c.relname in ('file_payout', 'file_payout_line')
                and c.relkind = 'r' and c.relowner = current_user::regrole
        )
        or coalesce(p_file_name, '') = '' or coalesce(p_format, '') = ''
        or p_content_sha256 is null or length(p_content_sha256) <> 32
    then
        raise exception 'a report is loaded after begin_import, in its transaction' using
            errcode = '22023',
            detail = format('Name %L, format %L.', p_file_name, p_format),
            hint = 'begin_import, COPY into file_payout and file_payout_line, load_payout; then commit.';
    end if;
    -- One report at a time a road.
    select r.road into v_road from bank.road as r where r.road_name = p_road_name for update;
    if not found then
        raise exception 'there is no road %', p_road_name using
            errcode = 'P0002',
            detail = 'A payout comes by a road.',
            hint = 'bank.road has them; set_road adds one.';
    end if;
    perform bank.check_payout();

    insert into bank.import_file as f (file_name, content_sha256, format)
    values (p_file_name, p_content_sha256, p_format)
    returning f.import_file into v_import_file;

    create temporary table taken_payout on commit drop as
    with line as (
        select
            f.payout, f.kind, f.gross, f.fee, f.net,
            sha256(convert_to(jsonb_build_array(
                f.kind, f.refs[1], f.occurred_on, trim_scale(f.gross), trim_scale(f.fee), trim_scale(f.net)
            )::text, 'UTF8')) as line_key
        from pg_temp.file_payout_line as f
    )

    select
        p.payout as place, p.line, p.payout_id, array(select distinct n from unnest(p.payout_id || p.names) as n where n <> '' order by n) as names,
        p.paid_on, l.gross, l.fee, l.other, l.net, l.lines, l.content_key, o.payout, o.content_key as known_key
    from pg_temp.file_payout as p
    inner join (
        select
            n.payout, count(*) as lines, sum(n.fee) as fee, sum(n.net) as net,
            coalesce(sum(n.gross) filter (where n.kind <> 'ADJUSTMENT'), 0) as gross,
            coalesce(sum(n.gross) filter (where n.kind = 'ADJUSTMENT'), 0) as other,
            sha256(string_agg(n.line_key, ''::bytea order by n.line_key)) as content_key
        from line as n
        group by n.payout
    ) as l on p.payout = l.payout
    left join bank.payout as o on o.road = v_road and p.payout_id = o.payout_id;

    select t.line, t.payout_id, t.lines, t.net into r
    from pg_temp.taken_payout as t
    where t.known_key <> t.content_key
    order by t.line
    limit 1;
    if found then
        raise exception 'payout % was loaded before, with other lines', r.payout_id using
            errcode = '23B88',
            detail = format('Line %s: %s lines, together %s.', r.line, r.lines, r.net),
            hint = 'Ask the acquirer which of the two is true.';
    end if;

    with made as (
        insert into bank.payout as p (
            import_file, line, road, payout_id, names, paid_on, gross, fee, other, net, lines, content_key
        )
        select
            v_import_file, t.line, v_road, t.payout_id, t.names, t.paid_on, t.gross, t.fee, t.other, t.net, t.lines,
            t.content_key
        from pg_temp.taken_payout as t
        where t.payout is null
        order by t.line
        returning p.payout, p.payout_id
    )

    insert into bank.payout_line (payout, line, kind, refs, occurred_on, gross, fee, net)
    select
        m.payout, f.line, f.kind, array(select distinct n from unnest(f.refs) as n where n <> '' order by n), f.occurred_on, f.gross, f.fee, f.net
    from made as m
    inner join pg_temp.taken_payout as t on m.payout_id = t.payout_id
    inner join pg_temp.file_payout_line as f on t.place = f.payout;

    import_file := v_import_file;
    select count(*), count(t.payout), coalesce(sum(t.lines), 0)
    into payouts, known_payouts, lines
    from pg_temp.taken_payout as t;
    select count(*) into waiting_lines
    from pg_temp.file_payout_line as f
    where not exists (select from pg_temp.file_payout as p where p.payout = f.payout);
    drop table pg_temp.taken_payout;
    return next;
end;
$$;

comment on function bank.load_payout(text, text, bytea, text) is
'Loads what stands in file_payout and file_payout_line of begin_import as payouts by a road, all or nothing, each payout once. payouts and lines: in the file; known_payouts: loaded before; waiting_lines: not paid out yet, left out. 22023; 23B87 what does not add up or is not in NOK, DETAIL says the line; 23B88 a payout that was loaded before, with other lines; P0002 no such road.';
