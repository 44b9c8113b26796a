create or replace function report.vat_return(p_term date, p_months int default 2)
returns table (
    organisation int, organisation_name text, first_day date, last_day date, vat_code smallint, vat_code_name text,
    vat_rate numeric, is_in_return boolean, net_amount numeric, vat_amount numeric, net_kroner numeric,
    vat_kroner numeric, log_rows bigint, late_rows bigint, closed_until date, is_closed boolean
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
        o.organisation,
        o.organisation_name,
        v_first,
        v_last,
        c.vat_code,
        c.vat_code_name,
        r.vat_rate,
        c.is_in_return,
        r.net_amount,
        r.vat_amount,
        round(r.net_amount),
        round(r.vat_amount),
        r.log_rows,
        r.late_rows,
        p.closed_until,
        coalesce(p.closed_until >= v_last, false)
    from (
        select
            v.organisation,
            v.vat_code,
            v.vat_rate,
            sum(v.net_amount) as net_amount,
            sum(v.vat_amount) as vat_amount,
            count(distinct v.transaction_log) as log_rows,
            count(distinct v.transaction_log) filter (where v.is_late and v.vat_date = v.posting_date) as late_rows
        from billig.vat_row as v
        where v.vat_date >= v_first and v.vat_date <= v_last
        group by v.organisation, v.vat_code, v.vat_rate
    ) as r
    inner join billig.organisation as o on r.organisation = o.organisation
    inner join books.vat_code as c on r.vat_code = c.vat_code
    left join lateral (
        select max(a.last_day) as closed_until
        from books.accounting_period as a
        where a.organisation = o.organisation
    ) as p on true
    order by o.organisation, c.is_in_return desc, c.vat_code, r.vat_rate;
end;
$$;

comment on function report.vat_return(date, int) is
'The VAT return of the term that a day lies in, for each organisation, a row for each VAT code and rate: base (net_amount) and VAT in kroner and øre, and in whole kroner as the return takes them (half away from zero). p_months: 2, as terms are unless the tax administration says otherwise; 12, an annual one; or 1. VAT is in the term of the sale or of the delivery by books.vat_term; what belongs to the delivery is here once the event is held. is_in_return: false for code 7, which the return does not ask for, and which has what organisations sell that are not registered for VAT. late_rows: of log_rows those that came too late for a closed period and count here instead. closed_until: the last day that the organisation has closed; is_closed: that the whole term is, so that nothing here changes. Positive sold, negative given back. Its rows, ticket by ticket: report.vat_return_ticket. 22023: no term. May be null: closed_until.';
