create or replace function marketplace.owner_at(p_website bigint, p_time timestamptz)
returns table (profile bigint)
language sql stable parallel safe rows 1
begin atomic
    select coalesce(
        (
            select m.from_profile
            from marketplace.website_move as m
            where m.website = w.website and m.undone_at is null and m.moved_from > p_time
            order by m.moved_from
            limit 1
        ),
        w.profile
    )
    from marketplace.website as w
    where w.website = p_website;
end;

comment on function marketplace.owner_at(bigint, timestamptz) is
'Whose a website was at a time, and so who earns a click of then; no row of no website. The one look-up by key: it disappears into the query that asks it. Whoever asks for whole files or months reads marketplace.website_owner, which says the same of all times. Runs with its caller''s rights.';
