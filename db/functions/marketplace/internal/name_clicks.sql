create or replace function marketplace.name_clicks(
    p_names text[], p_advertisements bigint[], p_websites bigint[], p_click_times timestamptz[], p_are_timed boolean
)
returns bigint[]
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_new text[];
    v_other record;
begin
    -- One that another transaction has named waits for it here, in the order of names.
    with named as (
        insert into marketplace.click_name (click_time, advertisement, click_id, website, is_single)
        select k.click_time, k.advertisement, k.name, k.website, true
        from unnest(p_names, p_advertisements, p_websites, p_click_times) as k (name, advertisement, website, click_time)
        where k.name is not null
        order by k.name
        on conflict do nothing
        returning click_id
    )
    select coalesce(array_agg(n.click_id), '{}') into v_new from named as n;

    -- What is not new is known: the same click, or another of that name.
    select k.n, k.name, x.click_time, x.advertisement, x.website into v_other
    from unnest(p_names, p_advertisements, p_websites, p_click_times) with ordinality
        as k (name, advertisement, website, click_time, n)
    cross join lateral (
        select c.click_time, c.advertisement, c.website, c.is_single
        from marketplace.click_name as c
        where c.click_id = k.name and c.is_single
        union all
        select c.click_time, c.advertisement, k.website, c.is_single
        from marketplace.click_name as c
        where c.click_time = k.click_time and c.advertisement = k.advertisement and c.click_id = k.name and c.is_single is null
    ) as x
    where
        k.name <> all (v_new)
        and (
            x.advertisement <> k.advertisement or x.website is distinct from k.website
            or p_are_timed and x.click_time <> k.click_time
        )
    order by k.n
    limit 1;
    if found then
        raise exception 'a click of this name was recorded before, of other content' using
            errcode = '23B58',
            detail = format('Click %s, %L: it was on advertisement %s, website %s, at %s.',
                v_other.n, v_other.name, v_other.advertisement, v_other.website, v_other.click_time),
            hint = 'Another click needs another name. None of the batch was recorded.';
    end if;
    return array(
        select k.n
        from unnest(p_names) with ordinality as k (name, n)
        where k.name is null or k.name = any (v_new)
        order by k.n
    );
end;
$$;

comment on function marketplace.name_clicks(text[], bigint[], bigint[], timestamptz[], boolean) is
'Keeps what the clicks of a batch are called; the places in it, from 1, of those that are new, or have no name. p_are_timed: whoever calls said when, so that another time is another click. For record_clicks alone. 23B58 a name is another click''s. May be null: p_names[], p_websites[].';
