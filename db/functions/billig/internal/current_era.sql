create or replace function billig.current_era()
returns int
language plpgsql stable
set search_path = pg_catalog, billig, pg_temp
as $$
declare
    v_era int;
begin
    select e.era into v_era
    from deploy.era as e
    cross join pg_control_system() as c
    where e.era = (select max(n.era) from deploy.era as n) and e.system_identifier::text = c.system_identifier::text;
    if v_era is null then
        raise exception 'this is a restored dump that was not deployed yet' using
            errcode = '23B44',
            detail = 'The newest era of the log is another cluster''s: its transactions cannot be told apart from ours.',
            hint = 'Run pybridge deploy first.';
    end if;
    return v_era;
end;
$$;

comment on function billig.current_era() is
'The era of the log''s rows from now on. 23B44: a restored dump that was not deployed yet.';
