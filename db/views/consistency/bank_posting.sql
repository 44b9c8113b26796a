create or replace view consistency.bank_posting as
select
    coalesce(m.match, p.match) as match,
    coalesce(m.is_undo, p.is_undo) as is_undo,
    case
        when p.match is null then 'counts on no day'
        when m.match is null then 'counts, and is not approved or not undone'
        when p.line_holders <> 1 then 'its lines stand with none, or with two'
        else 'counts before its entries'
    end as problem
from (
    select
        a.match,
        u.is_undo,
        max(e.booked_on) as booked_on
    from bank.match_approval as a
    left join bank.match_undo as d on a.match = d.match
    cross join lateral (values (false), (true)) as u (is_undo)
    left join bank.match_entry as c on a.match = c.match and not c.is_release
    left join bank.entry as e on c.entry = e.entry
    where
        (not u.is_undo or d.match is not null)
        and not exists (
            select
            from bank.match_expected as i
            inner join bank.expected as x on i.expected = x.expected
            inner join bank.route as r on x.route = r.route
            where i.match = a.match and r.payment_method is null
        )
    group by a.match, u.is_undo
) as m
full join (
    select
        match,
        is_undo,
        min(posting_date) as posting_date,
        count(*) filter (where has_lines) as line_holders
    from bank.match_posting
    group by match, is_undo
) as p on m.match = p.match and m.is_undo = p.is_undo
where m.match is null or p.match is null or p.line_holders <> 1 or p.posting_date < m.booked_on;

comment on view consistency.bank_posting is
'Every approved match counts in the books on a day, not before its entries, and every one that was undone is taken back on one; those of the marketplace never do.';
