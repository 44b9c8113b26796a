create or replace view consistency.voucher_export as
select
    coalesce(e.voucher_export, c.voucher_export) as voucher_export,
    coalesce(e.organisation, c.organisation) as organisation,
    case
        when e.voucher_export is null then 'lines of no export'
        when c.voucher_export is null then 'an export without lines'
        when c.organisation <> e.organisation then 'lines of another organisation'
        when c.first_date < e.first_day or c.last_date > e.last_day then 'lines of other days'
        when
            (c.first_number, c.last_number, c.vouchers)
            <> (e.first_number, e.last_number, e.last_number - e.first_number + 1)
            then 'its numbers have a hole'
        when c.debit <> e.debit or c.lines <> e.lines then 'another sum, or another number of lines'
        else 'other lines than went out'
    end as problem
from books.voucher_export as e
full join books.export_content as c on e.voucher_export = c.voucher_export
where
    e.voucher_export is null or c.voucher_export is null
    or (
        c.organisation, c.first_number, c.last_number, c.vouchers, c.lines, c.debit, c.content_sha256
    ) is distinct from (
        e.organisation, e.first_number, e.last_number, e.last_number - e.first_number + 1, e.lines, e.debit,
        e.content_sha256
    )
    or c.first_date < e.first_day or c.last_date > e.last_day
union all
select
    v.voucher_export,
    l.organisation,
    'voucher ' || l.voucher_number || ' does not balance'
from books.exported_line as l
inner join books.exported_voucher as v on l.organisation = v.organisation and l.voucher_number = v.voucher_number
group by v.voucher_export, l.organisation, l.voucher_number
having sum(l.amount) <> 0;

comment on view consistency.voucher_export is
'Each export of vouchers has the lines that it went out with: its numbers without a hole, its sums, and their SHA-256; each of its vouchers balances.';
