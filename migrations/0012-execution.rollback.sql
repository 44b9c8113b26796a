-- Refuses where it would forget that money has moved, or may have.
do $$
begin
    if exists (select from marketplace.payment_attempt) or exists (select from marketplace.reserve_movement) then
        raise exception 'payments were tried, or money was set aside: both are kept' using
            errcode = '23B62',
            hint = 'Go forward: write a new migration.';
    end if;
end;
$$;
drop table
marketplace.gateway_event, marketplace.payment_attempt_event, marketplace.payment_attempt, marketplace.reserve_movement,
marketplace.fund, marketplace.payment_means, marketplace.attempt_step, marketplace.decline_code, marketplace.retry_rule,
marketplace.gateway_kind, marketplace.gateway, marketplace.execution_day, marketplace.bank_holiday;
drop index marketplace.transaction_unexecuted_idx, marketplace.transaction_request_key;
alter table marketplace.transaction drop column request_id;
delete from jobs.job_run where job = 'marketplace_execute';
delete from jobs.job where job = 'marketplace_execute';
