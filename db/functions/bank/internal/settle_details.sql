create or replace function bank.settle_details()
returns void
language plpgsql
-- The file_ tables are the temporary ones, as in take_import.
set search_path = pg_catalog, pg_temp, bank
set plan_cache_mode = force_custom_plan
as $$
begin
    -- A payment alone is the entry. Of a batch the amounts may be those before the charges: then they are the entry
    -- once the charges are taken off. A charge that was not taken out of the amount is none of ours to tell here.
    with whole as (
        select
            d.entry,
            count(*) = 1 and coalesce(min(f.payments), 1) = 1 as is_alone,
            sum(d.amount) = min(f.amount) as is_net,
            count(d.amount) = count(*) and sum(d.amount - d.charge) = min(f.amount) as is_gross,
            min(f.amount) as entry_amount
        from file_detail as d
        inner join file_entry as f on d.entry = f.entry
        group by d.entry
    )

    update file_detail as d
    set
        amount = case
            when w.is_alone then w.entry_amount
            when w.is_gross and not w.is_net then d.amount - d.charge
            else d.amount
        end,
        charge = case when d.is_included or w.is_gross and not w.is_net then d.charge else 0 end
    from whole as w
    where d.entry = w.entry and (w.is_alone or d.charge <> 0);

    update file_entry as f
    set charge = f.charge + d.charge
    from (
        select x.entry, sum(x.charge) as charge
        from file_detail as x
        group by x.entry
        having sum(x.charge) <> 0
    ) as d
    where f.entry = d.entry and f.charge = 0;
end;
$$;

comment on function bank.settle_details() is
'Says of each payment in the temporary table file_detail what reached the account, and what was kept back of it. For take_import alone.';
