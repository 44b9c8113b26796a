create or replace function report.vat_return_ticket(p_term date, p_months int default 2)
returns table (
    organisation int, organisation_name text, vat_code smallint, vat_rate numeric, vat_date date, posting_date date,
    term text, is_late boolean, event int, event_name text, project int, ticket bigint, transaction_type text,
    component text, net_amount numeric, vat_amount numeric, transaction_log bigint
)
language plpgsql stable security definer
set search_path = pg_catalog, report, pg_temp
as $$
declare
    v_first constant date := billig.term_begins(p_term, p_months);
    v_last constant date := v_first + make_interval(months => p_months) - interval '1 day';
begin
    return query
    select
        v.organisation,
        o.organisation_name::text,
        v.vat_code,
        v.vat_rate,
        v.vat_date,
        v.posting_date,
        v.term,
        v.is_late,
        v.event,
        e.event_name::text,
        v.project,
        v.ticket,
        t.transaction_type_name::text,
        v.component,
        v.net_amount,
        v.vat_amount,
        v.transaction_log
    from billig.vat_row as v
    inner join billig.organisation as o on v.organisation = o.organisation
    inner join billig.event as e on v.event = e.event
    inner join billig.transaction_type as t on v.transaction_type = t.transaction_type
    where v.vat_date >= v_first and v.vat_date <= v_last
    order by v.organisation, v.vat_code, v.vat_rate, v.vat_date, v.transaction_log, v.component desc;
end;
$$;

comment on function report.vat_return_ticket(date, int) is
'What report.vat_return sums: a row for each row of the log and each part of it (TICKET, FEE) that counts for VAT in the term, and the day it counts on (vat_date); posting_date: the day it was posted on. A sale whose VAT belongs to the delivery counts on the event''s day, and is taken back, with the other sign, where the event is cancelled or put off after that. NOK: sold positive, given back negative. 22023: no term. May be null: project.';
