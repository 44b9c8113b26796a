-- Refuses where it would lose money: clicks, or months that were settled.
do $$
begin
    if exists (select from marketplace.ad_click) or exists (select from marketplace.transaction) then
        raise exception 'there are clicks, or transactions: both are kept' using
            errcode = '23B62',
            hint = 'Go forward: write a new migration.';
    end if;
end;
$$;
drop schema marketplace, jobs cascade;
