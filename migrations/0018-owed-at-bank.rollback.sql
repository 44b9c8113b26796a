-- Refuses where something was expected: items would stand without what they are made of.
do $$
begin
    if exists (select from bank.expected_owed) then
        raise exception 'money owed back is expected at the bank' using
            errcode = '23B84',
            hint = 'Go forward: write a new migration.';
    end if;
end;
$$;
drop table bank.expected_owed cascade;
