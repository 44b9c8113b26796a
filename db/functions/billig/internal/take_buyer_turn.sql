create or replace function billig.take_buyer_turn(p_buyers text[])
returns void
language plpgsql
as $$
declare
    v_turn smallint;
begin
    for v_turn in
        select distinct (hashtextextended(b, 0) & 1023)::smallint
        from unnest(p_buyers) as b
        order by 1
    loop
        update billig.buyer_turn set turns = turns + 1 where buyer_turn = v_turn;
    end loop;
end;
$$;

comment on function billig.take_buyer_turn(text[]) is
'Waits until no other sale to these buyers is open, and keeps others waiting until this one ends; in key order, and always after capacity. 40001: somebody had the turn since this transaction''s snapshot; 55P03 after lock_timeout.';
