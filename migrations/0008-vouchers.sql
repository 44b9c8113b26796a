-- Vouchers: accounts, the rules that say which account a line goes to, and the dates of events as they stood each day.

create table billig.account (
    account int,
    account_name text not null,
    is_suspense boolean not null default false,
    constraint account_pkey primary key (account),
    constraint account_number_check check (account between 1000 and 9999)
);
comment on table billig.account is
'Accounts that vouchers name: those of Norway''s standard chart (NS 4102) that ticket sales need, and sub-accounts in its groups.';
comment on column billig.account.account is 'Number, four digits';
comment on column billig.account.account_name is 'Name, as in the chart';
comment on column billig.account.is_suspense is
'True for the one account that takes what no rule knows: consistency.voucher_rule names such lines. Its number is none of the chart''s, so that an accounting system refuses it.';
create unique index account_suspense_key on billig.account (is_suspense) where is_suspense;
comment on index billig.account_suspense_key is 'There is one suspense account';
insert into billig.account (account, account_name, is_suspense)
values
(1560, 'Andre fordringer på selskap i samme konsern', false),
(1571, 'Fordring på kortinnløser', false),
(1577, 'Fordring på Vipps', false),
(1578, 'Fordring på betalingsleverandør, nett', false),
(1579, 'Andre kortsiktige fordringer', false),
(1900, 'Kontanter', false),
(1901, 'Kontanter utenfor kassene', false),
(1909, 'Kassedifferanse', false),
(1920, 'Bankinnskudd', false),
(2700, 'Utgående merverdiavgift, høy sats', false),
(2701, 'Utgående merverdiavgift, middels sats', false),
(2703, 'Utgående merverdiavgift, lav sats', false),
(2900, 'Forskudd fra kunder', false),
(2901, 'Gavekort', false),
(2990, 'Gjeld til andre personer enn ansatte og eiere', false),
(3020, 'Salgsinntekt tjenester, avgiftspliktig, høy sats', false),
(3030, 'Salgsinntekt handelsvarer, avgiftspliktig, middels sats', false),
(3050, 'Salgsinntekt tjenester, avgiftspliktig, lav sats', false),
(3120, 'Salgsinntekt tjenester, innenlands, avgiftsfri', false),
(3220, 'Salgsinntekt tjenester, unntatt avgiftsplikt', false),
(3900, 'Annen driftsrelatert inntekt', false),
(7740, 'Øresavrunding', false),
(9999, 'Ingen regel', true);

create table billig.voucher_line_kind (
    line_kind text,
    place smallint not null,
    line_text text not null,
    has_rule boolean not null,
    of_tickets boolean not null default false,
    of_method boolean not null default false,
    line_kind_note text not null,
    constraint voucher_line_kind_pkey primary key (line_kind),
    constraint voucher_line_kind_place_key unique (place)
);
comment on table billig.voucher_line_kind is 'Kinds of lines that vouchers have';
comment on column billig.voucher_line_kind.line_kind is 'The kind';
comment on column billig.voucher_line_kind.place is 'Where its lines stand in a voucher';
comment on column billig.voucher_line_kind.line_text is 'The line''s text, Norwegian';
comment on column billig.voucher_line_kind.has_rule is 'Rules of this kind say the account; else those of another kind do';
comment on column billig.voucher_line_kind.of_tickets is 'Its rules may name a VAT code and a transaction type';
comment on column billig.voucher_line_kind.of_method is 'Its rules may name a payment method';
comment on column billig.voucher_line_kind.line_kind_note is 'What it is, and the sign that a sale or a payment in has';
insert into billig.voucher_line_kind (line_kind, place, line_text, has_rule, of_tickets, of_method, line_kind_note)
values
('PAYMENT', 1, 'Betaling', true, false, true, 'Money by means of payment: debit in, credit out; a gift card debits what is owed for it'),
('ROUNDING', 2, 'Øresavrunding', true, false, true, 'What cash was rounded by: debit where less was paid than it cost'),
('REVENUE', 3, 'Billettinntekt', true, true, false, 'Prices of tickets without VAT: credit'),
('FEE', 4, 'Billettgebyr', true, true, false, 'Fees of tickets without VAT: credit'),
('PREPAID', 5, 'Forskudd for billetter', false, false, false, 'REVENUE and FEE of an event that has not been held: credit, on the rule''s deferred account'),
('VAT', 6, 'Utgående mva', true, true, false, 'VAT of prices and fees, on the day of sale: credit'),
('RELEASE', 7, 'Forskudd til inntekt', false, false, false, 'What was prepaid, on the day the event is held: debit of the deferred account, credit of the account; the other way round where it is put off after that'),
('TRANSFER', 8, 'Mellomregning ved bytte', true, false, false, 'Value that an exchange moves between projects or organisations without money: credit where a ticket was given back'),
('OWED_BACK', 9, 'Skyldig kjøpere', true, false, true, 'Money that came too late for its tickets: credit until it is paid back'),
('CASH_DIFFERENCE', 10, 'Kassedifferanse', true, false, true, 'Counted less expected when a till session closed: credit where there was too much'),
('PAY_IN', 11, 'Innskudd i kasse', true, false, true, 'Cash put into a drawer that no sale brought: credit'),
('PAY_OUT', 12, 'Uttak fra kasse', true, false, true, 'Cash taken out of a drawer that no refund took: debit');

create table billig.voucher_rule (
    voucher_rule int generated by default as identity,
    line_kind text not null,
    project int,
    organisation int,
    vat_code smallint,
    payment_method smallint,
    transaction_type smallint,
    valid_from date not null,
    account int,
    deferred_account int,
    accounting_vat_code text,
    set_by text not null default session_user,
    set_at timestamptz not null default now(),
    constraint voucher_rule_pkey primary key (voucher_rule),
    constraint voucher_rule_key unique nulls not distinct
    (line_kind, project, organisation, vat_code, payment_method, transaction_type, valid_from),
    constraint voucher_rule_line_kind_fkey foreign key (line_kind) references billig.voucher_line_kind (line_kind),
    constraint voucher_rule_project_fkey foreign key (project) references billig.project (project),
    constraint voucher_rule_organisation_fkey foreign key (organisation) references billig.organisation (organisation),
    constraint voucher_rule_vat_code_fkey foreign key (vat_code) references billig.vat_code (vat_code),
    constraint voucher_rule_payment_method_fkey
    foreign key (payment_method) references billig.payment_method (payment_method),
    constraint voucher_rule_transaction_type_fkey
    foreign key (transaction_type) references billig.transaction_type (transaction_type),
    constraint voucher_rule_account_fkey foreign key (account) references billig.account (account),
    constraint voucher_rule_deferred_account_fkey foreign key (deferred_account) references billig.account (account),
    constraint voucher_rule_line_kind_check check (line_kind not in ('PREPAID', 'RELEASE')),
    constraint voucher_rule_tickets_check
    check ((vat_code is null and transaction_type is null) or line_kind in ('REVENUE', 'FEE', 'VAT')),
    constraint voucher_rule_method_check
    check (payment_method is null or line_kind not in ('REVENUE', 'FEE', 'VAT', 'TRANSFER')),
    constraint voucher_rule_deferred_check check (
        deferred_account is null or (line_kind in ('REVENUE', 'FEE') and account is not null and deferred_account <> account)
    ),
    constraint voucher_rule_accounting_vat_code_check
    check (accounting_vat_code is null or line_kind in ('REVENUE', 'FEE'))
);
comment on table billig.voucher_rule is
'Which account a voucher''s line goes to. A rule fits a line if each column that it names is the line''s; null fits any. Of the rules that fit, the one that names the project wins; among equals the one that names the organisation; then the VAT code, the payment method, the transaction type. From valid_from on a rule is as its newest row says, so that a change leaves older vouchers as they are. voucher_rule_key: no two rows are equal in all that, so there is always one winner. Set by billig.set_voucher_rule.';
comment on column billig.voucher_rule.voucher_rule is 'Key';
comment on column billig.voucher_rule.line_kind is 'The kind of line';
comment on column billig.voucher_rule.project is 'For this project only; null: any, and none';
comment on column billig.voucher_rule.organisation is 'For this organisation only; null: any';
comment on column billig.voucher_rule.vat_code is 'For this VAT code only; null: any';
comment on column billig.voucher_rule.payment_method is 'For this payment method only; null: any';
comment on column billig.voucher_rule.transaction_type is 'For this type of log row only; null: any';
comment on column billig.voucher_rule.valid_from is 'First posting date it applies to; never changed for days of closed periods';
comment on column billig.voucher_rule.account is 'The account; null: from then on there is no such rule, and a less specific one applies';
comment on column billig.voucher_rule.deferred_account is
'Where it is a liability until the day of the event: the liability''s account; null: revenue at once';
comment on column billig.voucher_rule.accounting_vat_code is
'The accounting system''s own VAT code, printed on the line; null: none';
comment on column billig.voucher_rule.set_by is 'session_user';
comment on column billig.voucher_rule.set_at is 'When';
insert into billig.voucher_rule
(line_kind, vat_code, payment_method, valid_from, account, deferred_account, accounting_vat_code, set_by)
values
('PAYMENT', null, 1, '0001-01-01', 1900, null, null, 'migration'),
('PAYMENT', null, 2, '0001-01-01', 1571, null, null, 'migration'),
('PAYMENT', null, 3, '0001-01-01', 1571, null, null, 'migration'),
('PAYMENT', null, 4, '0001-01-01', 1920, null, null, 'migration'),
('PAYMENT', null, 5, '0001-01-01', 2901, null, null, 'migration'),
('PAYMENT', null, 6, '0001-01-01', 1577, null, null, 'migration'),
('PAYMENT', null, 7, '0001-01-01', 1578, null, null, 'migration'),
('PAYMENT', null, 8, '0001-01-01', 1579, null, null, 'migration'),
('ROUNDING', null, null, '0001-01-01', 7740, null, null, 'migration'),
('REVENUE', 3, null, '0001-01-01', 3020, 2900, '3', 'migration'),
('REVENUE', 31, null, '0001-01-01', 3030, 2900, '31', 'migration'),
('REVENUE', 33, null, '0001-01-01', 3050, 2900, '33', 'migration'),
('REVENUE', 5, null, '0001-01-01', 3120, 2900, '5', 'migration'),
('REVENUE', 6, null, '0001-01-01', 3220, 2900, '6', 'migration'),
('REVENUE', 7, null, '0001-01-01', 3900, 2900, '7', 'migration'),
('FEE', 3, null, '0001-01-01', 3020, 2900, '3', 'migration'),
('FEE', 31, null, '0001-01-01', 3030, 2900, '31', 'migration'),
('FEE', 33, null, '0001-01-01', 3050, 2900, '33', 'migration'),
('FEE', 5, null, '0001-01-01', 3120, 2900, '5', 'migration'),
('FEE', 6, null, '0001-01-01', 3220, 2900, '6', 'migration'),
('FEE', 7, null, '0001-01-01', 3900, 2900, '7', 'migration'),
('VAT', 3, null, '0001-01-01', 2700, null, null, 'migration'),
('VAT', 31, null, '0001-01-01', 2701, null, null, 'migration'),
('VAT', 33, null, '0001-01-01', 2703, null, null, 'migration'),
('TRANSFER', null, null, '0001-01-01', 1560, null, null, 'migration'),
('OWED_BACK', null, null, '0001-01-01', 2990, null, null, 'migration'),
('CASH_DIFFERENCE', null, null, '0001-01-01', 1909, null, null, 'migration'),
('PAY_IN', null, null, '0001-01-01', 1901, null, null, 'migration'),
('PAY_OUT', null, null, '0001-01-01', 1901, null, null, 'migration');

create table billig.event_date (
    event int not null,
    known_on date not null,
    event_date date not null,
    constraint event_date_pkey primary key (event, known_on),
    constraint event_date_event_fkey foreign key (event) references billig.event (event) on delete cascade
);
comment on table billig.event_date is
'The date of each event as the programme had it at the end of each day, written by a trigger of billig.event: what vouchers go by, so that a change of the programme changes no voucher of a day before it.';
comment on column billig.event_date.event is 'The event';
comment on column billig.event_date.known_on is
'From the end of this day on, until the next row of the event; 0001-01-01: as it was first planned';
comment on column billig.event_date.event_date is 'Local date of the event';
insert into billig.event_date (event, known_on, event_date)
select event, '0001-01-01', event_time::date
from billig.event;

create table billig.owed_back_part (
    owed_back bigint not null,
    ticket bigint not null,
    organisation int not null,
    project int,
    event int not null,
    amount numeric(12, 2) not null,
    constraint owed_back_part_pkey primary key (owed_back, ticket),
    constraint owed_back_part_owed_back_fkey foreign key (owed_back) references billig.owed_back (owed_back),
    constraint owed_back_part_amount_check check (amount > 0)
);
comment on table billig.owed_back_part is
'Which tickets money owed back was for, a row for each lost ticket that cost something: written with its owed_back, never changed, so that vouchers know whose it was whatever becomes of the purchase. They sum to its amount (consistency.owed_back). It names tickets as the log does, without a foreign key: they are never deleted.';
comment on column billig.owed_back_part.owed_back is 'What is owed';
comment on column billig.owed_back_part.ticket is 'The ticket that was lost';
comment on column billig.owed_back_part.organisation is 'Whose the ticket was, as sold';
comment on column billig.owed_back_part.project is 'UKE project, as sold';
comment on column billig.owed_back_part.event is 'Event, as sold';
comment on column billig.owed_back_part.amount is 'NOK including the fee, positive';
-- What was owed before there were parts: by the purchase's lost tickets in proportion, to the øre.
insert into billig.owed_back_part (owed_back, ticket, organisation, project, event, amount)
select
    w.owed_back, w.ticket, w.organisation, w.project, w.event,
    round(w.owed * w.upto / w.total, 2) - round(w.owed * (w.upto - w.weight) / w.total, 2)
from (
    select
        o.owed_back, o.amount as owed, t.ticket, t.organisation, t.project, t.event, t.price + t.fee as weight,
        sum(t.price + t.fee) over (partition by o.owed_back order by t.ticket) as upto,
        sum(t.price + t.fee) over (partition by o.owed_back) as total
    from billig.owed_back as o
    inner join billig.ticket as t on o.purchase = t.purchase
    where
        t.sale_channel = 'NET' and t.paid is null and t.refunded is not null and t.price + t.fee > 0
        and not exists (select from billig.ticket as r where r.replaces = t.ticket)
) as w;
