-- Refuses where it would lose a closed period: its figures have been reported. Roll-ups can be made anew.
do $$
begin
    if exists (select from billig.accounting_period) then
        raise exception 'periods have been closed, and stay so' using
            errcode = '23B20',
            hint = 'Go forward: write a new migration.';
    end if;
end;
$$;
drop index billig.transaction_log_xact_idx;
drop table billig.late_row, billig.rollup, billig.rollup_batch, billig.accounting_period cascade;
