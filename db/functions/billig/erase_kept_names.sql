create or replace function billig.erase_kept_names()
returns bigint
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_rows bigint;
begin
    update billig.purchase as b
    set owner_name = null
    where
        b.erased is not null and b.owner_name is not null
        and coalesce(billig.name_kept_until(b.purchase), '-infinity') < billig.local_time()::date
        -- named anew, to be paid in cash
        and not exists (
            select from billig.ticket as t
            where t.purchase = b.purchase and t.paid is null and t.refunded is null
        );
    get diagnostics v_rows = row_count;
    return v_rows;
end;
$$;

comment on function billig.erase_kept_names() is
'Erases names of buyers who were erased before (billig.erase_buyer), and which no document has to say any more. Run by the job kept_names. Returns how many.';
