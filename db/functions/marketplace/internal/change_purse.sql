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
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_purse marketplace.purse;
begin
    if (p_came_in, p_committed, p_came_back, p_withdrawn, p_reserve) = (0, 0, 0, 0, 0) then
        return;
    end if;
    select p.* into v_purse from marketplace.purse as p where p.purse = p_purse for update;
    if
        not p_is_fact and p_withdrawn <= 0
        and v_purse.available + p_came_in - p_committed + p_came_back - p_withdrawn + p_reserve < least(0, -v_purse.overdrawn)
    then
        raise exception 'the purse has not so much' using
            errcode = '23B76',
            detail = format('Purse %s has NOK %s, and NOK %s more were to leave it.', p_purse, round(v_purse.available / 100.0, 2),
                round((p_committed + p_withdrawn - p_came_in - p_came_back - p_reserve) / 100.0, 2)),
            hint = format('Put in what is missing, and say why: select marketplace.move_reserve(%s, ''why'', p_purse => %L);',
                round((p_committed + p_withdrawn - p_came_in - p_came_back - p_reserve - v_purse.available) / 100.0, 2), p_purse);
    end if;
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
    where p.purse = p_purse;
end;
$$;

comment on function marketplace.change_purse(text, bigint, bigint, bigint, bigint, bigint, boolean) is
'Adds to the figures of a purse, in øre. What a gateway takes by itself (p_withdrawn, p_is_fact) may overdraw it; nothing else may: 23B76 it has not so much, which purse_available_check holds whoever writes.';
