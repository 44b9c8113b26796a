create or replace view report.event as
select
    e.event,
    e.event_name,
    e.event_time,
    e.event_time::date as event_date,
    e.event_location,
    e.event_type as event_type_name,
    o.organisation_name,
    e.project,
    p.project_name,
    e.sale_from,
    e.sale_to,
    e.hidden as is_hidden
from billig.event as e
inner join billig.organisation as o on e.organisation = o.organisation
left join billig.project as p on e.project = p.project;

comment on view report.event is
'The programme: a row for each event, as it is now. What is sold of it is in report.ticket_sales_by_event, its prices in report.price_list. Ask by event, event_date or project.';
comment on column report.event.event is 'The event';
comment on column report.event.event_name is 'Its name, as it is now';
comment on column report.event.event_time is 'When it starts, local time; null: not known yet';
comment on column report.event.event_date is 'Local date of the event; null: not known yet';
comment on column report.event.event_location is 'Where it is; null: not said';
comment on column report.event.event_type_name is 'Type of the event; null: not said';
comment on column report.event.organisation_name is 'Who arranges it';
comment on column report.event.project is 'UKE project; null: none';
comment on column report.event.project_name is 'Its name, as it is now; null: no project';
comment on column report.event.sale_from is 'Sale opens, local time; 2000-01-01: at once';
comment on column report.event.sale_to is 'Sale ends, local time; 2099-12-31: never';
comment on column report.event.is_hidden is 'Not for the public';
