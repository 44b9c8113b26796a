create or replace view billig.offer as
select
    pg.price_group,
    tg.ticket_group,
    e.event,
    e.organisation,
    e.project,
    coalesce(e.vat_code, p.vat_code) as vat_code,
    coalesce(e.ticket_fee_vat_code, e.vat_code, p.vat_code) as fee_vat_code,
    pg.price::numeric(10, 2) as price,
    billig.fee_in(pg.price, e.ticket_fee)::numeric(10, 2) as fee,
    books.rate_on(coalesce(e.vat_code, p.vat_code), e.event_time::date) as vat_rate,
    books.rate_on(coalesce(e.ticket_fee_vat_code, e.vat_code, p.vat_code), e.event_time::date) as fee_vat_rate,
    e.event_name,
    e.event_time,
    e.sale_from,
    e.sale_to,
    e.hidden,
    pg.price_group_name,
    pg.netsale,
    pg.membership_needed,
    pg.can_be_put_on_card,
    coalesce(tg.ticket_limit, 9) as ticket_limit,
    (select max(n.sold_name) from billig.sold_name as n where n.price_group = pg.price_group) as sold_name
from billig.price_group as pg
inner join billig.ticket_group_base as tg on pg.ticket_group = tg.ticket_group
inner join billig.event as e on tg.event = e.event
left join billig.project as p on e.project = p.project;

comment on view billig.offer is
'What a ticket of each price group would be sold as right now, and the rules of its sale: the one place where price, fee, VAT code and rate are looked up. price: all that the buyer pays, NOK including VAT; fee: the part of it that is a fee, never more than the price. vat_rate: that of the event''s day, the day of delivery, as the rates are known now; null where no VAT code or rate applies: such a ticket cannot be sold (23B16).';
