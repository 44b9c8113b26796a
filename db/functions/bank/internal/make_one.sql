create or replace function bank.make_one(p_file_statement int)
returns void
language plpgsql
-- The file_ tables are the temporary ones, as in take_import.
set search_path = pg_catalog, pg_temp, bank
set plan_cache_mode = force_custom_plan
set enable_nestloop = off
set jit = off
as $$
begin
    insert into file_detail (entry, detail, amount, bank_reference, end_to_end, kid, detail_text, charge, is_included, more)
    select f.entry, 1, f.amount, f.bank_reference, f.end_to_end, f.kid, f.entry_text, f.charge, true, f.more
    from file_entry as f
    where
        f.statement = p_file_statement and f.known is not null
        and not exists (select from file_detail as d where d.entry = f.entry);

    with numbered as materialized (
        select
            d.entry, d.detail, min(f.entry) over (partition by f.known) as one,
            row_number() over (partition by f.known order by f.place, d.entry, d.detail) as place
        from file_detail as d
        inner join file_entry as f on d.entry = f.entry
        where f.statement = p_file_statement and f.known is not null
    ),

    placed as materialized (
        -- what the entry itself is called, its first payment is
        select
            x.ctid as at, n.one, n.place as detail,
            row_number() over (partition by n.one, n.place order by x.detail, x.place) as place
        from file_reference as x
        inner join numbered as n on x.entry = n.entry and greatest(x.detail, 1) = n.detail
    ),

    named as (
        update file_reference as x
        set entry = p.one, detail = p.detail, place = p.place
        from placed as p
        where x.ctid = p.at
    )

    update file_detail as d
    set entry = n.one, detail = n.place
    from numbered as n
    where d.entry = n.entry and d.detail = n.detail;

    with one as materialized (
        select f.known, min(f.entry) as entry, count(*) as payments, sum(f.amount) as amount
        from file_entry as f
        where f.statement = p_file_statement and f.known is not null
        group by f.known
    ),

    others as (
        delete from file_entry as f
        using one as o
        where f.statement = p_file_statement and f.known = o.known and f.entry <> o.entry
    )

    update file_entry as f
    set amount = o.amount, payments = o.payments
    from one as o
    where f.entry = o.entry;
    perform bank.place_anew(p_file_statement, null, false);
end;
$$;

comment on function bank.make_one(int) is
'Makes entries of a notification that are known as the same one: each is a payment in it, with its references. For merge_parts alone.';
