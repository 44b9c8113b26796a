create or replace function report.prepaid(p_as_of date default null)
returns table (
    organisation int, organisation_name text, account int, event int, event_name text, event_date date,
    is_cancelled boolean, project int, project_name text, prepaid_amount numeric, vat_booked_amount numeric,
    vat_to_come_amount numeric
)
language plpgsql stable security definer
set search_path = pg_catalog, report, pg_temp
as $$
declare
    v_as_of constant date := coalesce(p_as_of, billig.local_time()::date);
begin
    perform books.check_day('p_as_of', p_as_of);
    return query
    with sold as (
        select
            s.event,
            s.event_date,
            s.is_cancelled,
            p.posting_date,
            p.organisation,
            p.project,
            p.transaction_type,
            p.vat_code,
            p.fee_vat_code,
            sum(p.amount) as amount,
            sum(p.vat_amount) as vat_amount,
            sum(p.fee_amount) as fee_amount,
            sum(p.fee_vat_amount) as fee_vat_amount
        from (
            select distinct on (e.event) e.event, e.event_date, e.is_cancelled, e.held_on
            from billig.event_state as e
            where e.known_on <= v_as_of
            order by e.event, e.known_on desc
        ) as s
        inner join billig.ticket as t on s.event = t.event
        cross join lateral (
            select l.*
            from billig.posted_log as l
            where l.ticket = t.ticket and l.posting_date <= v_as_of and billig.moves_money(l.transaction_type)
            offset 0 -- ticket by ticket, by the index: never joined with the whole log
        ) as p
        where s.held_on > v_as_of
        group by
            s.event, s.event_date, s.is_cancelled, p.posting_date, p.organisation, p.project, p.transaction_type,
            p.vat_code, p.fee_vat_code
    )

    select
        o.organisation,
        o.organisation_name::text,
        r.deferred_account,
        e.event,
        e.event_name::text,
        s.event_date::date,
        s.is_cancelled,
        j.project,
        j.project_name::text,
        sum(u.gross_amount) - sum(case t.term when 'SALE' then x.vat_amount else 0 end),
        sum(case t.term when 'SALE' then x.vat_amount else 0 end),
        sum(case t.term when 'SALE' then 0 else x.vat_amount end)
    from sold as s
    cross join lateral billig.components(
        s.vat_code, null, s.amount, s.vat_amount, s.fee_vat_code, null, s.fee_amount, s.fee_vat_amount
    ) as u
    cross join lateral billig.term_on(s.event, u.vat_code, s.posting_date) as t
    cross join lateral books.taxed(s.organisation, s.posting_date, u.vat_code, null, u.vat_amount) as x
    inner join lateral books.rule_for(
        case u.component when 'TICKET' then 'REVENUE' else u.component end, s.project, s.organisation, x.vat_code, null,
        s.transaction_type, s.posting_date
    ) as r on r.deferred_account is not null
    inner join billig.organisation as o on s.organisation = o.organisation
    inner join billig.event as e on s.event = e.event
    left join billig.project as j on s.project = j.project
    group by
        o.organisation, o.organisation_name, r.deferred_account, e.event, e.event_name, s.event_date, s.is_cancelled,
        j.project, j.project_name
    having sum(u.gross_amount) <> 0 or sum(x.vat_amount) <> 0
    order by o.organisation, r.deferred_account, s.event_date, e.event, j.project;
end;
$$;

comment on function report.prepaid(date) is
'What was sold of events that had not been held at the end of a day (today, if none is given), as known then, by event: prepaid_amount is what lies on the account (2900, by the voucher rules), so that it ties to the ledger to the øre. It is without VAT where that belonged to the sale (vat_booked_amount, reported already), and with it where it belongs to the delivery (vat_to_come_amount, in it, reported when the event is held). event_date: the day as it was known then. is_cancelled: it will not be held: buyers are owed it. Of a day to come: what will be left of it then, as things stand now. NOK, positive: owed. 22023: no finite day. May be null: project, project_name.';
