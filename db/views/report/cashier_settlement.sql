create or replace view report.cashier_settlement as
-- What should lie in the drawer, and what did: a session's own.
select
    o.organisation_name,
    c.posting_date,
    c.posting_date as sale_date,
    c.seller,
    c.cash_point,
    c.till_session,
    'TILL' as section,
    null::text as kind,
    c.item,
    c.payment_method,
    null::int as project,
    null::text as project_name,
    null::smallint as vat_code,
    null::numeric(5, 2) as vat_rate,
    c.number,
    c.amount::numeric(14, 2) as gross_amount,
    null::numeric(14, 2) as net_amount,
    null::numeric(14, 2) as vat_amount,
    (select h.cash_point_name from billig.cash_point as h where h.cash_point = c.cash_point) as cash_point_name,
    null::text as vat_code_name
from (
    select
        billig.local_time(s.opened_at)::date as posting_date,
        s.seller,
        s.cash_point,
        s.till_session,
        s.organisation,
        'OPENING_FLOAT' as item,
        m.payment_method_name as payment_method,
        1::bigint as number,
        s.opening_float as amount
    from billig.till_session as s
    inner join billig.payment_method as m on m.payment_method = 1
    union all
    select
        billig.local_time(e.event_time)::date,
        s.seller,
        s.cash_point,
        s.till_session,
        s.organisation,
        e.event_type,
        m.payment_method_name,
        count(*),
        sum(e.amount)
    from billig.till_event as e
    inner join billig.till_session as s on e.till_session = s.till_session
    inner join billig.payment_method as m on m.payment_method = 1
    where e.event_type in ('PAY_IN', 'PAY_OUT', 'DRAWER_OPENING')
    group by
        billig.local_time(e.event_time)::date, s.seller, s.cash_point, s.till_session, s.organisation, e.event_type,
        m.payment_method_name
    union all
    select
        billig.local_time(s.closed_at)::date,
        s.seller,
        s.cash_point,
        s.till_session,
        s.organisation,
        'DIFFERENCE',
        m.payment_method_name,
        1,
        n.difference
    from billig.till_count as n
    inner join billig.till_session as s on n.till_session = s.till_session
    inner join billig.payment_method as m on n.payment_method = m.payment_method
    where n.counted is not null
) as c
inner join billig.organisation as o on c.organisation = o.organisation
union all
select
    o.organisation_name,
    b.posting_date,
    b.sale_date,
    b.seller,
    b.cash_point,
    b.till_session,
    'TILL',
    null,
    'PAYMENTS',
    b.payment_method,
    null,
    null,
    null,
    null::numeric(5, 2),
    sum(b.payments)::bigint,
    sum(b.amount)::numeric(14, 2),
    null::numeric(14, 2),
    null::numeric(14, 2),
    (select h.cash_point_name from billig.cash_point as h where h.cash_point = b.cash_point),
    null
from report.payment_by_method as b
inner join billig.till_session as s on b.till_session = s.till_session
inner join billig.organisation as o on s.organisation = o.organisation
where b.till_session is not null and b.payment_method not in ('ROUNDING', 'BETWEEN', 'NONE')
group by o.organisation_name, b.posting_date, b.sale_date, b.seller, b.cash_point, b.till_session, b.payment_method
union all
select
    b.organisation_name,
    b.posting_date,
    b.sale_date,
    b.seller,
    b.cash_point,
    b.till_session,
    'PAYMENT_METHOD',
    b.direction,
    b.payment_method,
    b.payment_method,
    null,
    null,
    null,
    null::numeric(5, 2),
    b.payments,
    b.amount,
    null::numeric(14, 2),
    null::numeric(14, 2),
    (select h.cash_point_name from billig.cash_point as h where h.cash_point = b.cash_point),
    null
from report.payment_by_method as b
union all
select
    o.organisation_name,
    t.posting_date,
    t.sale_date,
    t.seller,
    t.cash_point,
    t.till_session,
    'TRANSACTION_TYPE',
    y.kind,
    y.transaction_type_name,
    null,
    null,
    null,
    null,
    null::numeric(5, 2),
    t.tickets,
    t.gross_amount::numeric(14, 2),
    (t.gross_amount - t.vat_amount)::numeric(14, 2),
    t.vat_amount::numeric(14, 2),
    (select h.cash_point_name from billig.cash_point as h where h.cash_point = t.cash_point),
    null
from (
    select
        l.organisation,
        l.posting_date,
        l.transaction_date as sale_date,
        case when p.payment is null then l.seller else p.seller end as seller,
        case when p.payment is null then l.cash_point else p.cash_point end as cash_point,
        p.till_session,
        l.transaction_type,
        count(*) filter (where not l.is_second_row) as tickets,
        sum(l.amount + l.fee_amount) as gross_amount,
        sum(l.vat_amount + l.fee_vat_amount) as vat_amount
    from billig.posted_log as l
    left join lateral (
        select b.payment, b.seller, b.cash_point, b.till_session
        from billig.payment as b
        where b.payment = l.payment
        offset 0 -- as in seller_vat_project
    ) as p on true
    group by
        l.organisation, l.posting_date, l.transaction_date,
        case when p.payment is null then l.seller else p.seller end,
        case when p.payment is null then l.cash_point else p.cash_point end,
        p.till_session, l.transaction_type
) as t
inner join billig.transaction_type as y on t.transaction_type = y.transaction_type
inner join billig.organisation as o on t.organisation = o.organisation
union all
select
    v.organisation_name,
    v.posting_date,
    v.sale_date,
    v.seller,
    v.cash_point,
    v.till_session,
    'VAT_PROJECT',
    v.kind,
    coalesce(v.project_name, 'no project') || ', VAT code ' || v.vat_code,
    null,
    v.project,
    v.project_name,
    v.vat_code,
    v.vat_rate::numeric(5, 2),
    v.tickets,
    v.gross_amount,
    v.net_amount::numeric(14, 2),
    v.vat_amount::numeric(14, 2),
    (select h.cash_point_name from billig.cash_point as h where h.cash_point = v.cash_point),
    v.vat_code_name::text
from report.seller_vat_project as v;

comment on view report.cashier_settlement is
'Kasseoppgjør (T10): what a seller (null: the web) did in any period, in or out of till sessions. Four sections tell the same money, so sum within one section, never across; within it rows sum over any column. TILL: a session''s float, PAYMENTS, PAY_IN, PAY_OUT (together what should be there) and DIFFERENCE (with it, what was counted), by means of payment; a drawer is its own organisation''s, whoever''s the tickets are. PAYMENT_METHOD: payments by means and direction, and BETWEEN, what organisations owe each other of them. TRANSACTION_TYPE: tickets by type; those of FEE_KEPT are among the refunded ones. VAT_PROJECT: by VAT code and UKE project. The last three come to the same gross_amount, for each organisation. NOK, positive in, negative out; gross_amount = net_amount + vat_amount. An exchange is a refund and a sale. Ask by posting_date and seller.';
comment on column report.cashier_settlement.organisation_name is 'In TILL whose drawer it is; in PAYMENT_METHOD who has the money; else whose tickets they are, as sold';
comment on column report.cashier_settlement.posting_date is 'Local date that accounting has it on: the sale date, or the first day of a later period';
comment on column report.cashier_settlement.sale_date is 'Local date it happened';
comment on column report.cashier_settlement.seller is 'Who took or gave the money, whoever sold the ticket; null: the web';
comment on column report.cashier_settlement.cash_point is 'Where; null: on the web, or at no till';
comment on column report.cashier_settlement.till_session is 'The till session it is in; null: none';
comment on column report.cashier_settlement.section is 'TILL, PAYMENT_METHOD, TRANSACTION_TYPE or VAT_PROJECT';
comment on column report.cashier_settlement.kind is 'Of PAYMENT_METHOD: IN, OUT or NONE (nothing moved, or BETWEEN); else SALE, REFUND, CHANGE, RESERVATION or NONE (no money)';
comment on column report.cashier_settlement.item is 'What the row is of: OPENING_FLOAT, ...; the method; the type; project and VAT code';
comment on column report.cashier_settlement.payment_method is 'Of TILL and PAYMENT_METHOD: name of the means of payment. ROUNDING: what cash was rounded by; BETWEEN: what stands between organisations; NONE: no money moved';
comment on column report.cashier_settlement.project is 'Of VAT_PROJECT: UKE project, as sold; null: none';
comment on column report.cashier_settlement.project_name is 'Of VAT_PROJECT: its name, as it is now; null: no project';
comment on column report.cashier_settlement.vat_code is 'Of VAT_PROJECT: Norwegian standard VAT code';
comment on column report.cashier_settlement.vat_rate is 'Of VAT_PROJECT: VAT rate, percent';
comment on column report.cashier_settlement.number is 'How many payments (one with two methods is under both), tickets, pay-ins, drawer openings; a fee is not a ticket';
comment on column report.cashier_settlement.gross_amount is 'NOK including VAT and fees, positive in, negative out';
comment on column report.cashier_settlement.net_amount is 'NOK without VAT: gross_amount less vat_amount; null in TILL and PAYMENT_METHOD';
comment on column report.cashier_settlement.vat_amount is 'NOK of VAT, signed as the gross';
comment on column report.cashier_settlement.cash_point_name is 'Name of the cash point, as it is now; null: no cash point';
comment on column report.cashier_settlement.vat_code_name is 'Norwegian name of the VAT code, as published; null in other sections';
