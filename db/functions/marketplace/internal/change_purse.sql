create or replace function marketplace.change_purse(
    p_purse text,
    p_came_in bigint default 0,
    p_committed bigint default 0,
    p_came_back bigint default 0,
    p_withdrawn bigint default 0,
    p_reserve bigint default 0,
    p_is_fact boolean default false
)
returns void
language sql
set search_path = pg_catalog, marketplace, pg_temp
begin atomic
    update marketplace.purse as p
    set
        came_in = p.came_in + p_came_in,
        committed = p.committed + p_committed,
        came_back = p.came_back + p_came_back,
        withdrawn = p.withdrawn + p_withdrawn,
        reserve = p.reserve + p_reserve,
        overdrawn = case
            when p_is_fact or p_withdrawn > 0
                then greatest(0, -(p.available + p_came_in - p_committed + p_came_back - p_withdrawn + p_reserve))
            else
                least(
                    p.overdrawn,
                    greatest(0, -(p.available + p_came_in - p_committed + p_came_back - p_withdrawn + p_reserve))
                )
        end
    where
        p.purse = p_purse
        and (p_came_in, p_committed, p_came_back, p_withdrawn, p_reserve) <> (0, 0, 0, 0, 0);
end;

comment on function marketplace.change_purse(text, bigint, bigint, bigint, bigint, bigint, boolean) is
'Adds to the figures of a purse, in øre. What a gateway takes by itself (p_withdrawn, p_is_fact) may overdraw it; nothing else may: 23514 purse_available_check.';
