-- Refuses where it would lose what a till did.
do $$
begin
    if exists (select from billig.till_session) or exists (select from billig.z_report) or exists (select from billig.payment_line where payment_method = 9) then
        raise exception 'tills have been opened, or cash was rounded: both are kept' using
            errcode = '23B20',
            hint = 'Go forward: write a new migration.';
    end if;
end;
$$;
alter table billig.receipt_print drop column till_session;
alter table billig.payment drop column till_session;
drop table
billig.till_denomination, billig.till_count, billig.till_event, billig.till_session, billig.z_report_line,
billig.z_report, billig.till_report_item
cascade;
alter table billig.payment_line drop constraint payment_line_rounding_check;
delete from billig.payment_method where payment_method = 9;
alter table billig.payment_method drop column is_rounding;
alter table billig.event_type drop column saft_code;
alter table billig.cash_point drop column session_required;
