create or replace view bank.voucher_match as
select
    g.posting_date,
    g.organisation,
    g.line_kind,
    g.payment_method,
    sum(g.amount) as amount
from (
    select
        s.posting_date,
        s.organisation,
        case when k.is_rest then 'TRANSFER' else s.line_kind end as line_kind,
        case when not k.is_rest then s.payment_method end as payment_method,
        case when k.is_rest then -s.amount else s.amount end as amount,
        k.is_rest,
        -- where a match is about two organisations: what the one has of the other's
        sum(s.amount) over (partition by s.match, s.is_undo, s.organisation, k.is_rest) as rest
    from (
        select
            p.posting_date,
            p.match,
            p.is_undo,
            p.organisation,
            'BANK' as line_kind,
            null::smallint as payment_method,
            case when p.is_undo then -c.amount else c.amount end as amount
        from bank.match_posting as p
        inner join bank.match_entry as c on p.match = c.match and not c.is_release
        inner join bank.entry as e on c.entry = e.entry
        inner join bank.account as a on e.account = a.account and p.organisation = a.organisation
        union all
        select
            p.posting_date,
            p.match,
            p.is_undo,
            p.organisation,
            'PAYMENT',
            r.payment_method,
            case when p.is_undo then c.amount else -c.amount end
        from bank.match_posting as p
        inner join bank.match_expected as c on p.match = c.match and not c.is_release
        inner join bank.expected as x on c.expected = x.expected
        inner join bank.route as r on x.route = r.route and p.organisation = r.organisation
        union all
        select
            p.posting_date,
            p.match,
            p.is_undo,
            p.organisation,
            case l.kind
                when 'FEE' then 'BANK_FEE'
                when 'ROUNDING' then 'ROUNDING'
                when 'NOT_OURS' then 'BANK'
                else 'BANK_DIFFERENCE'
            end,
            null,
            case when p.is_undo then l.amount else -l.amount end
        from bank.match_posting as p
        inner join bank.match_line as l on p.match = l.match
        where p.has_lines
    ) as s
    cross join (values (false), (true)) as k (is_rest)
) as g
where not g.is_rest or g.rest <> 0
group by g.posting_date, g.organisation, g.line_kind, g.payment_method
having sum(g.amount) <> 0;

comment on view bank.voucher_match is
'Approved matches as lines of vouchers, on the day they count (bank.match_posting): BANK, what came for what was sold; PAYMENT, what the provider or the drawer owed until then; fees and differences. What is not ours is left out: whoever keeps the accounts posts that. One that was undone is taken back. NOK: debit positive, credit negative.';
