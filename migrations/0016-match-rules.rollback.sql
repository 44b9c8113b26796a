-- Refuses where a match was made by one of the rules: it would stand without its reason.
do $$
begin
    if exists (select from bank.match as m where m.rule in ('KID', 'TEXT', 'SUBSET', 'SPLIT')) then
        raise exception 'there are matches by the rules that would go' using
            errcode = '23B84',
            hint = 'Go forward: write a new migration.';
    end if;
end;
$$;
delete from bank.match_rule where rule in ('KID', 'TEXT', 'SUBSET', 'SPLIT');
drop index bank.expected_reference_key_idx;
create index expected_reference_idx on bank.expected (reference) where reference <> '';
