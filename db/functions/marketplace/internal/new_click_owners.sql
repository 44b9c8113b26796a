create or replace function marketplace.new_click_owners(p_until timestamptz)
returns table (profiles bigint[], is_bare boolean)
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
-- By the index of unlinked clicks, which it leaves without the entries of those that were linked since: a scan by bitmap
-- would not, and a backlog would be walked through again by every update until the next vacuum.
set enable_indexscan = on
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
#variable_conflict use_column
begin
    return query
    select array_agg(x.profile) filter (where not x.is_bare), bool_or(x.is_bare)
    from (
        select distinct unnest(array[c.profile, c.publisher]) as profile, c.publisher_share is null as is_bare
        from marketplace.ad_click as c
        where
            c.advertisement_charge_transaction is null and c.excluded_at is null
            -- No other index can answer this, whatever statistics say of how many there are.
            and c.click_time at time zone 'UTC' < p_until at time zone 'UTC'
    ) as x;
end;
$$;

comment on function marketplace.new_click_owners(timestamptz) is
'Whose transactions the clicks before p_until want that are linked to nothing yet, advertisers and publishers; and whether any is not filled yet. For link_clicks alone. May be null: profiles, profiles[], is_bare.';
