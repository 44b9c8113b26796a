create or replace view report.payment_dispute as
select
    w.payment_attempt,
    w.transaction,
    w.profile,
    w.profile_name,
    w.month,
    a.gateway,
    a.gateway_id,
    w.amount::numeric(14, 2) as disputed,
    (
        select string_agg(distinct e.dispute, ', ' order by e.dispute)
        from marketplace.gateway_event as e
        where e.payment_attempt = w.payment_attempt and e.answer = 'returned'
    ) as disputes,
    w.waiting_since as disputed_at,
    least(w.due_on, (w.waiting_since at time zone books.time_zone())::date + extract(day from w.term)::int) as answer_by,
    a.amount as charged,
    a.resolved_at as charged_at,
    s.clicks,
    m.due_amount::numeric(14, 2) as billed
from marketplace.waiting() as w
inner join report.payment_attempt as a on w.payment_attempt = a.payment_attempt
inner join marketplace.transaction as m on w.transaction = m.transaction
left join lateral (
    select sum(x.advertisement_clicks)::bigint as clicks
    from marketplace.transaction_subtotal as x
    where x.transaction = w.transaction
) as s on true
where w.code = 'DISPUTED';

comment on view report.payment_dispute is
'Charges of the marketplace that are in dispute, a row each, with until when to answer, and what this ledger has to answer with: the statement (report.marketplace_statement_line of the transaction), its clicks, and each step of the charge (report.payment_event). NOK, above 0. Answer it at the gateway; clear_alarm or book_loss if it does not say how it ended.';
comment on column report.payment_dispute.payment_attempt is 'The charge (report.payment_attempt)';
comment on column report.payment_dispute.transaction is 'What it was for (report.marketplace_transaction)';
comment on column report.payment_dispute.profile is 'Whose';
comment on column report.payment_dispute.profile_name is 'Its name, as it is now';
comment on column report.payment_dispute.month is 'First day of the month that it is for';
comment on column report.payment_dispute.gateway is 'Where it is answered';
comment on column report.payment_dispute.gateway_id is 'What the gateway calls the charge';
comment on column report.payment_dispute.disputed is 'NOK that the bank took';
comment on column report.payment_dispute.disputes is 'What the gateway calls the disputes that were opened, by comma, decided ones too; null: it has not said';
comment on column report.payment_dispute.disputed_at is 'When it was first heard of';
comment on column report.payment_dispute.answer_by is 'Local day by which we mean to answer: marketplace.waiting_term of DISPUTED after that, and never after the gateway''s own deadline, where it has told us of it (report.waiting.due_on)';
comment on column report.payment_dispute.charged is 'NOK that were charged';
comment on column report.payment_dispute.charged_at is 'When';
comment on column report.payment_dispute.clicks is 'Clicks that its month billed; null: of no clicks';
comment on column report.payment_dispute.billed is 'NOK that were due by the statement';
