create or replace function report.vat_return(p_term date, p_months int default 2)
returns table (
    organisation int, organisation_name text, first_day date, last_day date, vat_code smallint, vat_code_name text,
    vat_rate numeric, is_in_return boolean, net_amount numeric, vat_amount numeric, net_kroner numeric,
    vat_kroner numeric, log_rows bigint, late_rows bigint, closed_until date, is_closed boolean
)
language sql stable security definer
set search_path = pg_catalog, report, pg_temp
begin atomic
    select v.*
    from billig.term_begins(p_term, p_months) as t (first_day)
    cross join lateral report.vat_between(
        t.first_day, (t.first_day + make_interval(months => p_months) - interval '1 day')::date
    ) as v;
end;

comment on function report.vat_return(date, int) is
'The VAT return of the term that a day lies in, for each organisation, a row for each VAT code and rate: base (net_amount) and VAT in kroner and øre, and in whole kroner as the return takes them (half away from zero). p_months: 2, as terms are unless the tax administration says otherwise; 12, an annual one; or 1. VAT is in the term of the sale or of the delivery by books.vat_term; what belongs to the delivery is here once the event is held. is_in_return: false for code 7, which the return does not ask for, and which has what organisations sell that are not registered for VAT. late_rows: of log_rows those that came too late for a closed period and count here instead. closed_until: the last day that the organisation has closed; is_closed: that the whole term is, so that nothing here changes. Positive sold, negative given back. Its rows, ticket by ticket: report.vat_return_ticket. 22023: no term. May be null: closed_until.';
