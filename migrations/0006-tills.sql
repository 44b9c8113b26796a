-- Tills (T10): sessions of sellers at cash points, what happens in them beside sales, Z reports; and the rounding of cash.

-- Their signatures or names changed; deploy loads what is there now.
drop function if exists billig.register_cash_point(int, text, text, text);
drop function if exists billig.check_cash_point(int);

alter table billig.cash_point add column session_required boolean not null default true;
comment on column billig.cash_point.session_required is
'Functions sell and refund here only in an open till session (23B26). Legacy writes are never refused for it: without a session they are listed in report.unattached_payment. False for the stands that were there before there were sessions.';
update billig.cash_point set session_required = false;

alter table billig.event_type add column saft_code text not null default '04015';
comment on column billig.event_type.saft_code is
'Article group of SAF-T Cash Register, list PredefinedBasicID-04: 04015 entrance fee, 04006 food, ...';
update billig.event_type set saft_code = '04006' where event_type_name = 'food';

alter table billig.payment_method add column is_rounding boolean not null default false;
comment on column billig.payment_method.is_rounding is
'True for the one method that is no means of payment: what cash was rounded by. Clients never name it.';
insert into billig.payment_method (payment_method, payment_method_name, saft_code, is_rounding)
values (9, 'ROUNDING', '12999', true);
alter table billig.payment_line add constraint payment_line_rounding_check check (
    case payment_method
        when 1 then amount = trunc(amount)
        when 9 then abs(amount) <= 0.50
        else true
    end
) not valid; -- cash of the time before it was rounded stays as it was
comment on table billig.payment_line is
'What was paid with which method. payment_line_rounding_check: cash (1) moves in whole kroner, the rounding (9) is at most 50 øre; no other method is rounded.';
comment on column billig.payment_line.amount is
'NOK: positive in, negative out. ROUNDING: what is to be paid in cash less what was, so that the lines sum to what was sold.';

create table billig.till_report_item (
    item text,
    place smallint not null,
    element text,
    item_note text not null,
    constraint till_report_item_pkey primary key (item),
    constraint till_report_item_place_key unique (place)
);
comment on table billig.till_report_item is
'The items of X and Z reports (kassasystemforskrifta § 2-8-2, § 2-8-3), in the order of SAF-T''s eventReport. What there is nothing to report of is shown as 0.';
comment on column billig.till_report_item.item is 'Name of the item';
comment on column billig.till_report_item.place is 'Where it stands in the report';
comment on column billig.till_report_item.element is 'Element of eventReport in SAF-T Cash Register 1.00; null: not there';
comment on column billig.till_report_item.item_note is 'What it counts, and the sign of its amount; or why it is always 0';
insert into billig.till_report_item (item, place, element, item_note)
values
('TOTAL_CASH_SALES', 1, 'reportTotalCashSales', 'Sales less returns, without the rounding of cash'),
('ARTICLE_GROUP', 2, 'reportArtGroup', 'By type of event, and FREE: number is sales less returns, amount is signed'),
('PAYMENT', 3, 'reportPayment', 'By means of payment: number is payments in less payments out, amount is signed'),
('ROUNDING', 4, 'roundingAmnt', 'What cash was rounded by: cash taken less what it was for'),
('TIP', 5, 'reportTip', 'Always 0: tips are not taken'),
('VAT', 6, 'reportCashSaleVat', 'By VAT code and rate: amount is without VAT, vat_amount beside it'),
('OPENING_FLOAT', 7, 'reportOpeningChangeFloat', 'Cash in the drawer when it was opened'),
('RECEIPTS', 8, 'reportReceiptNum', 'Payments that sold something'),
('DRAWER_OPENINGS', 9, 'reportOpenCashBoxNum', 'Drawer opened without a sale'),
('RECEIPT_COPIES', 10, 'reportReceiptCopyNum', 'Copies printed in the session; amount is what the receipts are for, unsigned'),
('PROFORMA_RECEIPTS', 11, 'reportReceiptProformaNum', 'Always 0: a receipt exists once it is paid'),
('RETURNS', 12, 'reportReturnNum', 'Payments that gave something back; amount is positive'),
('DISCOUNTS', 13, 'reportDiscountNum', 'Always 0: a price group is a price of its own, not a discount'),
('VOIDED_SALES', 14, 'reportVoidTransNum', 'Always 0: a sale is whole or was never made; an undone one is a return with its reason'),
('CORRECTED_LINES', 15, 'reportCorrLine', 'Lines taken off a sale before it was paid, as the client reports them, by its word for them'),
('PRICE_LOOKUPS', 16, 'reportPriceInquiry', 'Prices asked for, as the client reports them, by its word for the group'),
('OTHER_CORRECTIONS', 17, 'reportOtherCorr', 'Always 0: nothing else is corrected'),
('DELIVERY_RECEIPTS', 18, 'reportReceiptDeliveryNum', 'Always 0: nothing is sold on credit'),
('TRAINING', 19, 'reportTrainingNum', 'Always 0: one trains in another database'),
('CREDIT_SALES', 20, 'reportCreditSales', 'Always 0: nothing is sold on credit'),
('CREDIT_MEMOS', 21, 'reportCreditMemos', 'Always 0: nothing is sold on credit'),
('PAY_IN', 22, 'reportPayIn', 'Cash put into the drawer that no sale brought'),
('PAY_OUT', 23, 'reportPayOut', 'Cash taken out that no refund took; amount is negative'),
('CASH_DIFFERENCE', 24, null, 'Counted less expected when the session closed, by means of payment'),
('GRAND_TOTAL_SALES', 25, 'reportGrandTotalSales', 'All sales of the cash point since its first Z report; never reset'),
('GRAND_TOTAL_RETURN', 26, 'reportGrandTotalReturn', 'All returns, positive; never reset'),
('GRAND_TOTAL_NET', 27, 'reportGrandTotalSalesNet', 'Grand total of sales less returns; never reset');

create table billig.z_report (
    cash_point int not null,
    z_number int not null,
    business_date date not null,
    made_at timestamptz not null default clock_timestamp(),
    made_by text not null default session_user,
    seller text,
    previous_number int generated always as (nullif(z_number, 1) - 1) stored,
    sales numeric(14, 2) not null,
    returns numeric(14, 2) not null,
    previous_grand_sales numeric(14, 2) not null,
    previous_grand_returns numeric(14, 2) not null,
    grand_total_sales numeric(14, 2) generated always as (previous_grand_sales + sales) stored,
    grand_total_returns numeric(14, 2) generated always as (previous_grand_returns + returns) stored,
    constraint z_report_pkey primary key (cash_point, z_number),
    constraint z_report_business_date_key unique (cash_point, business_date),
    constraint z_report_grand_total_key unique (cash_point, z_number, grand_total_sales, grand_total_returns),
    constraint z_report_cash_point_fkey foreign key (cash_point) references billig.cash_point (cash_point),
    constraint z_report_previous_fkey
    foreign key (cash_point, previous_number, previous_grand_sales, previous_grand_returns)
    references billig.z_report (cash_point, z_number, grand_total_sales, grand_total_returns),
    constraint z_report_number_check check (z_number > 0),
    constraint z_report_first_check check (z_number > 1 or (previous_grand_sales = 0 and previous_grand_returns = 0)),
    constraint z_report_amount_check check (sales >= 0 and returns >= 0)
);
comment on table billig.z_report is
'Z reports (kassasystemforskrifta § 2-8-3): made once, never changed; their items stand in z_report_line. z_report_previous_fkey: the numbers of a cash point have no gap, and the grand totals go on from the report before, never reset. z_report_business_date_key: one a day.';
comment on column billig.z_report.cash_point is 'The cash point';
comment on column billig.z_report.z_number is 'Consecutive number, from 1, of the cash point';
comment on column billig.z_report.business_date is
'The day it is for: that of its last session''s opening, or the day after the last report''s, if that is later';
comment on column billig.z_report.made_at is 'When';
comment on column billig.z_report.made_by is 'session_user';
comment on column billig.z_report.seller is 'Who made it, where a service did it for a seller; null: a bookkeeper';
comment on column billig.z_report.previous_number is 'The report before; null for the first';
comment on column billig.z_report.sales is 'NOK sold since the report before, returns not taken off';
comment on column billig.z_report.returns is 'NOK given back since the report before, positive';
comment on column billig.z_report.previous_grand_sales is 'Grand total of sales, NOK, of the report before';
comment on column billig.z_report.previous_grand_returns is 'Grand total of returns, NOK, positive, of the report before';
comment on column billig.z_report.grand_total_sales is 'Grand total of sales, NOK; never reset';
comment on column billig.z_report.grand_total_returns is 'Grand total of returns, NOK, positive; never reset';

create table billig.z_report_line (
    cash_point int not null,
    z_number int not null,
    seller text not null,
    item text not null,
    item_key text not null,
    number bigint not null,
    amount numeric(14, 2) not null,
    vat_rate numeric(5, 2),
    vat_amount numeric(14, 2),
    constraint z_report_line_pkey primary key (cash_point, z_number, seller, item, item_key),
    constraint z_report_line_z_report_fkey
    foreign key (cash_point, z_number) references billig.z_report (cash_point, z_number),
    constraint z_report_line_item_fkey foreign key (item) references billig.till_report_item (item)
);
comment on table billig.z_report_line is 'The items of Z reports, by operator: what report.z_report sums. Never changed.';
comment on column billig.z_report_line.cash_point is 'The cash point';
comment on column billig.z_report_line.z_number is 'The report';
comment on column billig.z_report_line.seller is 'The operator';
comment on column billig.z_report_line.item is 'The item';
comment on column billig.z_report_line.item_key is 'What the item is split by: type of event, means of payment, VAT code and rate; else empty';
comment on column billig.z_report_line.number is 'How many; what of, says billig.till_report_item';
comment on column billig.z_report_line.amount is 'NOK; its sign, says billig.till_report_item';
comment on column billig.z_report_line.vat_rate is 'Of item VAT: the rate, per cent';
comment on column billig.z_report_line.vat_amount is 'Of item VAT: the VAT, NOK';

create table billig.till_session (
    till_session bigint generated by default as identity,
    cash_point int not null,
    drawer int not null default 1,
    seller text not null,
    opened_at timestamptz not null default clock_timestamp(),
    opened_by text not null default session_user,
    opening_float numeric(12, 2) not null default 0,
    closed_at timestamptz,
    closed_by text,
    z_number int,
    constraint till_session_pkey primary key (till_session),
    constraint till_session_owner_key unique (till_session, seller, cash_point),
    constraint till_session_cash_point_fkey foreign key (cash_point) references billig.cash_point (cash_point),
    constraint till_session_z_report_fkey
    foreign key (cash_point, z_number) references billig.z_report (cash_point, z_number),
    constraint till_session_drawer_check check (drawer > 0),
    constraint till_session_float_check check (opening_float >= 0 and opening_float = trunc(opening_float)),
    constraint till_session_closed_check check ((closed_at is null) = (closed_by is null)),
    constraint till_session_z_check check (z_number is null or closed_at is not null)
);
comment on table billig.till_session is
'A seller''s time at a till (T10). Payments at its cash point by its seller belong to it while it is open; closed, it takes nothing more and never changes. till_session_float_check: cash is whole kroner. till_session_z_check: a Z report takes closed sessions only.';
comment on column billig.till_session.till_session is 'Key';
comment on column billig.till_session.cash_point is 'Where';
comment on column billig.till_session.drawer is 'Drawer of the cash point, from 1; sellers with a drawer each have a number each';
comment on column billig.till_session.seller is 'Who sells';
comment on column billig.till_session.opened_at is 'When it was opened';
comment on column billig.till_session.opened_by is 'session_user who opened it';
comment on column billig.till_session.opening_float is 'Cash in the drawer then, NOK';
comment on column billig.till_session.closed_at is 'When it was closed; null: open';
comment on column billig.till_session.closed_by is 'session_user who closed it';
comment on column billig.till_session.z_number is 'The Z report it is in; null: none yet';
create unique index till_session_drawer_key on billig.till_session (cash_point, drawer) where closed_at is null;
comment on index billig.till_session_drawer_key is 'One open session a drawer';
create unique index till_session_seller_key on billig.till_session (seller) where closed_at is null;
comment on index billig.till_session_seller_key is 'A seller stands at one till at a time, so that each sale has one home';
create index till_session_unreported_idx on billig.till_session (cash_point) where z_number is null;
create index till_session_seller_idx on billig.till_session (seller);
create index till_session_opened_idx on billig.till_session (opened_at);

create table billig.till_event (
    till_event bigint generated by default as identity,
    till_session bigint not null,
    event_type text not null,
    event_time timestamptz not null default clock_timestamp(),
    amount numeric(12, 2) not null default 0,
    item_key text not null default '',
    reason text,
    login_role text not null default session_user,
    constraint till_event_pkey primary key (till_event),
    constraint till_event_till_session_fkey
    foreign key (till_session) references billig.till_session (till_session),
    constraint till_event_type_check
    check (event_type in ('DRAWER_OPENING', 'PAY_IN', 'PAY_OUT', 'PRICE_LOOKUP', 'CORRECTED_LINE')),
    constraint till_event_amount_check check (
        case event_type
            when 'DRAWER_OPENING' then amount = 0
            when 'PAY_IN' then amount > 0 and amount = trunc(amount)
            when 'PAY_OUT' then amount < 0 and amount = trunc(amount)
            else amount >= 0
        end
        and abs(amount) < 1000000
    ),
    constraint till_event_item_key_check check (length(item_key) <= 100),
    constraint till_event_reason_check check (event_type not in ('PAY_IN', 'PAY_OUT') or (reason is not null and reason <> ''))
);
comment on table billig.till_event is
'What happens at a till beside sales and refunds. Never changed. till_event_amount_check: the sign follows from the type, cash is whole kroner. Both it and till_event_item_key_check keep what a report sums within its columns. till_event_reason_check: money that no sale moves has a reason.';
comment on column billig.till_event.till_event is 'Key';
comment on column billig.till_event.till_session is 'The session, open when it was written';
comment on column billig.till_event.event_type is
'DRAWER_OPENING (without a sale), PAY_IN, PAY_OUT, PRICE_LOOKUP or CORRECTED_LINE (both as the client reports them)';
comment on column billig.till_event.event_time is 'The server''s clock';
comment on column billig.till_event.amount is 'NOK: cash in positive, out negative; of a look-up or a corrected line its price';
comment on column billig.till_event.item_key is 'The client''s word for what was looked up or how it was corrected';
comment on column billig.till_event.reason is 'Why';
comment on column billig.till_event.login_role is 'session_user';
create index till_event_till_session_idx on billig.till_event (till_session);

create table billig.till_count (
    till_session bigint not null,
    payment_method smallint not null,
    expected numeric(12, 2) not null,
    counted numeric(12, 2),
    difference numeric(12, 2) generated always as (counted - expected) stored,
    note text,
    constraint till_count_pkey primary key (till_session, payment_method),
    constraint till_count_till_session_fkey
    foreign key (till_session) references billig.till_session (till_session),
    constraint till_count_payment_method_fkey
    foreign key (payment_method) references billig.payment_method (payment_method),
    constraint till_count_counted_check check (counted >= 0 or payment_method <> 1),
    constraint till_count_cash_check check (payment_method <> 1 or counted is not null),
    constraint till_count_note_check check (counted is null or counted = expected or (note is not null and note <> ''))
);
comment on table billig.till_count is
'What a session should hold and what was counted when it closed, by means of payment. Never changed. till_count_note_check: a difference needs a note. till_count_cash_check: cash is always counted; till_count_counted_check: and never below 0.';
comment on column billig.till_count.till_session is 'The session';
comment on column billig.till_count.payment_method is 'Means of payment';
comment on column billig.till_count.expected is 'NOK: of cash the float, payments, pay-ins and pay-outs; of others the payments';
comment on column billig.till_count.counted is 'NOK counted, or what the terminal says; null: not counted';
comment on column billig.till_count.difference is 'NOK counted less expected';
comment on column billig.till_count.note is 'What is said of the difference';

create table billig.till_denomination (
    till_session bigint not null,
    denomination int not null,
    pieces int not null,
    constraint till_denomination_pkey primary key (till_session, denomination),
    constraint till_denomination_till_session_fkey
    foreign key (till_session) references billig.till_session (till_session),
    constraint till_denomination_denomination_check check (denomination in (1, 5, 10, 20, 50, 100, 200, 500, 1000)),
    constraint till_denomination_pieces_check check (pieces >= 0)
);
comment on table billig.till_denomination is
'The cash counted, by denomination, where it was given so. Never changed. till_denomination_denomination_check: Norway''s coins and notes.';
comment on column billig.till_denomination.till_session is 'The session';
comment on column billig.till_denomination.denomination is 'Coin or note, NOK';
comment on column billig.till_denomination.pieces is 'How many';

alter table billig.payment add column till_session bigint;
comment on column billig.payment.till_session is
'The till session it belongs to: that of its seller at its cash point, open at the time. Null: on the web, or at no till; those at a stand are listed in report.unattached_payment.';
-- Every row's session is null as yet, so there is nothing to check.
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
alter table billig.payment add constraint payment_till_session_fkey
foreign key (till_session, seller, cash_point) references billig.till_session (till_session, seller, cash_point);
comment on table billig.payment is
'Header of a payment, or of a change that moved nothing; its number is the receipt''s. Never changed once its transaction has committed. At commit its log rows sum to its lines (23B14). payment_override_check: a used ticket is given back only with a reason. payment_till_session_fkey: it lies in a session of its own seller and place.';
create index payment_till_session_idx on billig.payment (till_session) where till_session is not null;

alter table billig.receipt_print add column till_session bigint;
comment on column billig.receipt_print.till_session is
'The open session of who printed it, or else of the payment; null: none was open';
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
alter table billig.receipt_print add constraint receipt_print_till_session_fkey
foreign key (till_session) references billig.till_session (till_session);
create index receipt_print_till_session_idx on billig.receipt_print (till_session) where till_session is not null;
