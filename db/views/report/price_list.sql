create or replace view report.price_list as
select
    o.organisation_name,
    f.event,
    f.event_name,
    f.event_time,
    f.event_time::date as event_date,
    e.event_location,
    f.project,
    p.project_name,
    f.ticket_group,
    g.ticket_group_name,
    f.price_group,
    f.price_group_name,
    f.price::numeric(14, 2) as price,
    f.fee::numeric(14, 2) as fee,
    f.vat_code,
    v.vat_code_name,
    f.vat_rate::numeric(5, 2) as vat_rate,
    f.membership_needed as is_member_price,
    f.netsale as is_sold_on_web,
    f.can_be_put_on_card,
    f.ticket_limit,
    f.sale_from,
    f.sale_to,
    f.hidden as is_hidden
from billig.offer as f
inner join billig.event as e on f.event = e.event
inner join billig.ticket_group_base as g on f.ticket_group = g.ticket_group
inner join billig.organisation as o on f.organisation = o.organisation
left join billig.project as p on f.project = p.project
left join books.vat_code as v on f.vat_code = v.vat_code;

comment on view report.price_list is
'What tickets cost now, and who may buy at which price: a row for each price group, sold or not. What was paid is in report.ticket_history. Ask by event or event_date.';
comment on column report.price_list.organisation_name is 'Who arranges the event';
comment on column report.price_list.event is 'The event';
comment on column report.price_list.event_name is 'Its name, as it is now';
comment on column report.price_list.event_time is 'When it starts, local time; null: not known, and nothing is sold';
comment on column report.price_list.event_date is 'Local date of the event; null: not known';
comment on column report.price_list.event_location is 'Where it is; null: not said';
comment on column report.price_list.project is 'UKE project; null: none';
comment on column report.price_list.project_name is 'Its name; null: no project';
comment on column report.price_list.ticket_group is 'The ticket group';
comment on column report.price_list.ticket_group_name is 'Its name';
comment on column report.price_list.price_group is 'The price group';
comment on column report.price_list.price_group_name is 'Its name';
comment on column report.price_list.price is 'NOK: all that the buyer pays, VAT and fee included';
comment on column report.price_list.fee is 'NOK of price that are a fee, VAT included';
comment on column report.price_list.vat_code is 'Norwegian standard VAT code; null: none, and nothing is sold';
comment on column report.price_list.vat_code_name is 'Norwegian name of the VAT code, as published; null: no VAT code';
comment on column report.price_list.vat_rate is 'VAT rate on the event''s day, percent; null: none applies';
comment on column report.price_list.is_member_price is 'For holders of a valid ticket card only';
comment on column report.price_list.is_sold_on_web is 'Sold on the web too';
comment on column report.price_list.can_be_put_on_card is 'Can be put on a ticket card';
comment on column report.price_list.ticket_limit is 'How many tickets of it one buyer may hold';
comment on column report.price_list.sale_from is 'Sale opens, local time; 2000-01-01: at once';
comment on column report.price_list.sale_to is 'Sale ends, local time; 2099-12-31: never';
comment on column report.price_list.is_hidden is 'The event is not for the public';
