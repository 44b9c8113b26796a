-- Refuses where it would lose log rows: there is no way back once something was sold.
do $$
begin
    if exists (select from billig.transaction_log) or exists (select from billig.owed_back) then
        raise exception 'the transaction log holds rows, and they are kept' using
            errcode = '23B07',
            hint = 'Go forward: write a new migration.';
    end if;
end;
$$;
drop table
billig.payment_error_price_group, billig.payment_error, billig.receipt_print, billig.request, billig.owed_back,
billig.transaction_log, billig.ticket, billig.payment_line, billig.payment, billig.exchange, billig.purchase
cascade;
