create or replace function billig.owe_back(
    p_purchase bigint, p_provider_reference text, p_payment_method text, p_tickets bigint[]
)
returns void
language plpgsql
as $$
declare
    v_owed_back bigint;
begin
    perform books.begin_posting();
    insert into billig.owed_back (purchase, provider_reference, payment_method, amount, recorded_at)
    select p_purchase, p_provider_reference, m.payment_method, t.amount, clock_timestamp()
    from billig.payment_method as m
    cross join (select sum(l.price) as amount from billig.ticket as l where l.ticket = any (p_tickets)) as t
    where m.payment_method_name = p_payment_method
    returning owed_back into v_owed_back;
    insert into billig.owed_back_part (owed_back, ticket, organisation, project, event, amount)
    select v_owed_back, t.ticket, t.organisation, t.project, t.event, t.price
    from billig.ticket as t
    where t.ticket = any (p_tickets) and t.price > 0;
end;
$$;

comment on function billig.owe_back(bigint, text, text, bigint[]) is
'Records money that came too late for tickets that are gone as owed to the buyer, whole and by ticket. 23B45: the clock is behind a closed period.';
