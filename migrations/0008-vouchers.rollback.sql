-- Refuses where it would lose what was decided.
do $$
begin
    if
        exists (select from billig.voucher_rule where set_by <> 'migration')
        or exists (select from billig.event_date where known_on > '0001-01-01')
    then
        raise exception 'voucher rules were set, or events moved: both are kept' using
            errcode = '23B20',
            hint = 'Go forward: write a new migration.';
    end if;
end;
$$;
drop table
billig.owed_back_part, billig.voucher_rule, billig.voucher_line_kind, billig.account, billig.event_date
cascade;
