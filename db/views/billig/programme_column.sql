create or replace view billig.programme_column as
select
    c.place,
    c.column_name,
    c.scope,
    c.kind,
    c.is_required,
    c.default_value,
    c.meaning
from (
    values
    (1, 'external_id', 'event', 'text', true, null, 'The event''s own id in the programme; an event is found again by it'),
    (2, 'event_name', 'event', 'text', true, null, 'Name'),
    (3, 'event_location', 'event', 'text', false, null, 'Hall or tent'),
    (4, 'event_note', 'event', 'note', false, null, 'Free text for the web'),
    (5, 'event_time', 'event', 'time', true, null, 'When it starts, local time'),
    (6, 'event_type', 'event', 'text', false, null, 'Name of a billig.event_type'),
    (7, 'organisation', 'event', 'text', true, null, 'Name of a billig.organisation'),
    (8, 'project', 'event', 'whole', false, null, 'Number of the project'),
    (9, 'project_name', 'project', 'text', false, null, 'Its name; needed where the project is new'),
    (10, 'project_vat_code', 'project', 'whole', false, null, 'Its VAT code; needed where the project is new'),
    (11, 'vat_code', 'event', 'whole', false, null, 'The event''s own VAT code; empty: its project''s'),
    (12, 'ticket_fee', 'event', 'whole', false, '0', 'Fee per ticket, whole NOK including VAT: the part of the price that is a fee'),
    (13, 'ticket_fee_vat_code', 'event', 'whole', false, null, 'VAT code of the fee; empty: as the ticket'),
    (14, 'ticket_fee_vat_source', 'event', 'text', false, null, 'What that code rests on: a ruling, a letter; needed where the fee has a code'),
    (15, 'sale_from', 'event', 'time', false, '2000-01-01 00:00:00', 'Sale opens, local time; empty: at once'),
    (16, 'sale_to', 'event', 'time', false, '2099-12-31 00:00:00', 'Sale ends, local time; empty: never'),
    (17, 'hidden', 'event', 'boolean', false, 'false', 'Not for the public'),
    (18, 'ticket_group', 'ticket_group', 'text', true, null, 'Name of a part of the hall'),
    (19, 'is_theater_ticket_group', 'ticket_group', 'boolean', false, 'false', 'Numbered seats'),
    (20, 'ticket_limit', 'ticket_group', 'whole', false, null, 'Most tickets of a price group that one buyer holds; empty: 9'),
    (21, 'num', 'ticket_group', 'whole', true, null, 'Capacity, tickets'),
    (22, 'price_group', 'price_group', 'text', true, null, 'Name: member, student, ordinary'),
    (23, 'price', 'price_group', 'whole', true, null, 'All that the buyer pays, whole NOK including VAT and fee; 0: free'),
    (24, 'can_be_put_on_card', 'price_group', 'boolean', false, 'false', 'Can be put on a ticket card'),
    (25, 'membership_needed', 'price_group', 'boolean', false, 'false', 'For holders of a valid ticket card only'),
    (26, 'netsale', 'price_group', 'boolean', false, 'true', 'Sold on the web')
) as c (place, column_name, scope, kind, is_required, default_value, meaning);

comment on view billig.programme_column is
'The columns of a programme file, one line of which is one price group with its ticket group, event and project: what import_programme knows. scope: what the column says something about; lines about the same must agree. kind: text (one line), note (several), whole (number), money (NOK, at most two decimals), time (YYYY-MM-DD HH:MM, local), boolean. default_value: what an empty field means, else null.';
