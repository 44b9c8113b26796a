create or replace view billig.event_lim_web as
select
    event,
    event_name,
    event_location,
    event_note,
    event_time,
    event_type,
    external_id,
    organisation,
    a4_ticket_layout,
    receipt_ticket_layout,
    tp_ticket_layout,
    ticket_fee,
    dave_id,
    dave_time_id,
    sale_from,
    sale_to,
    hidden
from billig.event;

comment on view billig.event_lim_web is
'Events as the legacy web reads and writes them: without project and vat_code. Auto-updatable.';
