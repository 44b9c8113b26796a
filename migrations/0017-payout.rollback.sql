-- Refuses where a match was made by the rule: it would stand without its reason. What a report brought can be loaded again.
do $$
begin
    if exists (select from bank.match as m where m.rule = 'PAYOUT') then
        raise exception 'there are matches by rule PAYOUT' using
            errcode = '23B84',
            hint = 'Go forward: write a new migration.';
    end if;
end;
$$;
drop index bank.match_payout_idx;
alter table bank.match drop column payout cascade;
delete from bank.match_rule where rule = 'PAYOUT';
drop table bank.payout_line, bank.payout, bank.file_payout_line, bank.file_payout cascade;
