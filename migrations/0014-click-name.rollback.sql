-- Refuses where a click that was loaded could be loaded again.
do $$
begin
    if exists (select from marketplace.click_name) then
        raise exception 'clicks of files that name them were loaded, and would be loaded again' using
            errcode = '23B62',
            hint = 'Go forward: write a new migration.';
    end if;
end;
$$;
drop table marketplace.click_name;
