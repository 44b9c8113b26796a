-- Refuses where a file that was loaded could be loaded again.
do $$
begin
    if exists (select from marketplace.click_source where is_file) then
        raise exception 'files of clicks were loaded, and would be loaded again' using
            errcode = '23B62',
            hint = 'Go forward: write a new migration.';
    end if;
end;
$$;
drop table marketplace.click_file_line, marketplace.click_file_problem;
alter table marketplace.click_source drop column is_file;
