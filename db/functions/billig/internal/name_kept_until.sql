create or replace function billig.name_kept_until(p_purchase bigint)
returns date
language sql stable
return (
    select max(books.kept_until(billig.local_time(p.payment_time)::date))
    from (
        select distinct l.payment
        from billig.ticket as t
        inner join billig.transaction_log as l on t.ticket = l.ticket
        where t.purchase = p_purchase
    ) as l
    inner join billig.payment as p on l.payment = p.payment
    inner join billig.payment_line as i on p.payment = i.payment and billig.names_buyer(i.payment_method, i.amount)
);

comment on function billig.name_kept_until(bigint) is
'Until when documents of a purchase have to say its buyer''s name (billig.names_buyer, books.kept_until), erased or not (GDPR art. 17 (3) b). Null: none has to.';
