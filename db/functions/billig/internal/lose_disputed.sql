create or replace function billig.lose_disputed(p_dispute_reference text, p_payment bigint, p_amount numeric, p_fee numeric)
returns void
language plpgsql
as $$
declare
    v_method smallint;
    v_organisation int;
begin
    perform books.begin_posting();
    select m.payment_method, m.organisation into v_method, v_organisation
    from billig.charged_by as m
    where m.payment = p_payment
    order by m.amount desc, m.payment_method
    limit 1;
    insert into billig.dispute_loss (dispute_reference, disputed_payment, payment_method, organisation, amount, fee, reason)
    values (
        p_dispute_reference, p_payment, v_method, v_organisation, p_amount, p_fee,
        'More than was left of the payment: the rest had gone back by another road'
    );
end;
$$;

comment on function billig.lose_disputed(text, bigint, numeric, numeric) is
'Writes what a dispute takes of a payment beyond what there is (billig.dispute_loss), p_amount and p_fee NOK. 23B45: the clock is behind a closed period. For bank.record_dispute alone.';
