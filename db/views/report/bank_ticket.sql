create or replace view report.bank_ticket as
select
    x.expected,
    x.day,
    r.route_name,
    l.payment,
    m.payment_method_name as payment_method,
    p.amount::numeric(14, 2) as line_amount,
    g.ticket,
    g.event,
    g.project,
    (g.amount + g.fee_amount)::numeric(14, 2) as total_amount,
    (select e.event_name from billig.event as e where e.event = g.event) as event_name,
    (select j.project_name from billig.project as j where j.project = g.project) as project_name
from bank.expected_line as l
inner join bank.expected as x on l.expected = x.expected
inner join bank.route as r on x.route = r.route
inner join billig.payment_line as p
    on l.payment = p.payment and l.payment_method = p.payment_method and l.line = p.line
inner join billig.payment_method as m on l.payment_method = m.payment_method
left join billig.transaction_log as g on l.payment = g.payment and (g.amount <> 0 or g.fee_amount <> 0)
union all
select
    o.expected,
    x.day,
    r.route_name,
    null as payment,
    m.payment_method_name,
    (case when o.is_repayment then -b.amount else b.amount end)::numeric(14, 2) as line_amount,
    w.ticket,
    w.event,
    w.project,
    (case when o.is_repayment then -w.amount else w.amount end)::numeric(14, 2) as total_amount,
    (select e.event_name from billig.event as e where e.event = w.event),
    (select j.project_name from billig.project as j where j.project = w.project)
from bank.expected_owed as o
inner join bank.expected as x on o.expected = x.expected
inner join bank.route as r on x.route = r.route
inner join billig.owed_back as b on o.owed_back = b.owed_back
inner join billig.payment_method as m on b.payment_method = m.payment_method
left join billig.owed_back_part as w on b.owed_back = w.owed_back
union all
select
    o.expected,
    x.day,
    r.route_name,
    b.disputed_payment,
    m.payment_method_name,
    (case when o.is_won then b.amount else -b.amount end)::numeric(14, 2),
    null,
    null,
    null,
    null::numeric(14, 2),
    null,
    null
from bank.expected_loss as o
inner join bank.expected as x on o.expected = x.expected
inner join bank.route as r on x.route = r.route
inner join billig.dispute_loss as b on o.dispute_loss = b.dispute_loss
inner join billig.payment_method as m on b.payment_method = m.payment_method;

comment on view report.bank_ticket is
'The way down from what is expected at the bank (expected, report.bank_item) to the payments in it and their tickets. line_amount: NOK of the payment by that method, on each of its rows; total_amount: NOK of the ticket. A payment by two methods has its tickets under both. payment is null of money that bought nothing and is owed back, or was paid back, or paid for tickets with what came later: ticket is one that it was for. Of what a dispute took beyond what there was, payment is the disputed one, and there is no ticket. Ask by expected, route_name or day.';
comment on column report.bank_ticket.expected is 'The item that is to come to the bank (report.bank_item)';
comment on column report.bank_ticket.day is 'Local day of the goods; of a till session, that of its close';
comment on column report.bank_ticket.route_name is 'How it reaches the bank';
comment on column report.bank_ticket.payment is 'The payment; null: money that bought nothing by itself (billig.owed_back)';
comment on column report.bank_ticket.payment_method is 'Means of payment, by name';
comment on column report.bank_ticket.line_amount is 'NOK of the payment by that method, positive in, negative out; the same on each of its rows, so never sum it over them';
comment on column report.bank_ticket.ticket is 'A ticket of the payment; null: none';
comment on column report.bank_ticket.event is 'Its event';
comment on column report.bank_ticket.project is 'Its UKE project, as sold; null: none';
comment on column report.bank_ticket.total_amount is 'NOK of the ticket, fee included, positive in, negative out';
comment on column report.bank_ticket.event_name is 'Its event''s name, as it is now; null: no ticket';
comment on column report.bank_ticket.project_name is 'Its name, as it is now; null: no project';
