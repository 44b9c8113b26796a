-- Refuses where work of bookkeepers would be lost; what a file brought can be loaded again.
do $$
begin
    if exists (select from bank.match) then
        raise exception 'there are matches, and with them who said what' using
            errcode = '23B84',
            hint = 'Go forward: write a new migration.';
    end if;
end;
$$;
drop schema bank cascade;
