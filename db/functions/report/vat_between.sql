create or replace function report.vat_between(p_first date, p_last date)
returns table (
    organisation int, organisation_name text, first_day date, last_day date, vat_code smallint, vat_code_name text,
    vat_rate numeric, is_in_return boolean, net_amount numeric, vat_amount numeric, net_kroner numeric,
    vat_kroner numeric, log_rows bigint, late_rows bigint, closed_until date, is_closed boolean
)
language plpgsql stable security definer
set search_path = pg_catalog, report, pg_temp
as $$
begin
    perform books.check_day('p_first', p_first), books.check_day('p_last', p_last);
    if p_first is null or p_last is null or p_first > p_last then
        raise exception 'VAT is asked for from a first day to a last' using
            errcode = '22023',
            detail = format('From %L to %L.', p_first, p_last),
            hint = 'Pass both, in order; report.vat_return asks for a term.';
    end if;
    return query
    select
        o.organisation,
        o.organisation_name::text,
        p_first,
        p_last,
        c.vat_code,
        c.vat_code_name::text,
        r.vat_rate,
        c.is_in_return,
        r.net_amount,
        r.vat_amount,
        round(r.net_amount),
        round(r.vat_amount),
        r.log_rows,
        r.late_rows,
        p.closed_until::date,
        coalesce(p.closed_until >= p_last, false)
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
        where v.vat_date >= p_first and v.vat_date <= p_last
        group by v.organisation, v.vat_code, v.vat_rate
        having sum(v.net_amount) <> 0 or sum(v.vat_amount) <> 0
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

comment on function report.vat_between(date, date) is
'What report.vat_return says of a term, of any days: base and VAT by organisation, VAT code and rate of what counts for VAT from the first day to the last, both in it. NOK: sold positive, given back negative; net_kroner and vat_kroner: whole kroner, half away from zero. is_closed: all of these days are. 22023: no days, or not in order. May be null: closed_until.';
