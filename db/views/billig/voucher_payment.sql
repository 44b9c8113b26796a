create or replace view billig.voucher_payment as
select
    s.posting_date,
    s.organisation,
    s.project,
    c.line_kind,
    c.payment_method,
    sum(c.amount) as amount
from (
    select
        j.posting_date,
        j.payment,
        j.organisation,
        j.project,
        j.payment_method,
        -- The parts of a payment's lines sum to the lines, and a project's parts to its share, to the øre, whoever asks.
        case
            when j.lines_total = j.total or h.home_date = j.posting_date
                then
                    billig.share_of(j.lines_upto, j.weight_upto, j.weight, j.weights)
                    - billig.share_of(j.lines_upto - j.line_amount, j.weight_upto, j.weight, j.weights)
            else 0
        end as line_share,
        case
            when j.line_number = 1
                then j.amount - billig.share_of(p.to_be_paid, j.weight_upto, j.weight, j.weights)
            else 0
        end as transfer
    from (
        select
            w.posting_date,
            w.payment,
            w.organisation,
            w.project,
            w.amount,
            w.total,
            w.weight,
            w.weight_upto,
            w.weights,
            l.payment_method,
            coalesce(l.amount, 0) as line_amount,
            coalesce(sum(l.amount) over upto, 0) as lines_upto,
            coalesce(sum(l.amount) over whole, 0) as lines_total,
            row_number() over upto as line_number
        from (
            select
                t.posting_date,
                t.payment,
                t.organisation,
                t.project,
                t.amount,
                t.total,
                t.weight,
                sum(t.weight) over (
                    partition by t.posting_date, t.payment order by t.organisation, t.project
                ) as weight_upto,
                sum(t.weight) over (partition by t.posting_date, t.payment) as weights
            from (
                select
                    g.posting_date,
                    g.payment,
                    g.organisation,
                    g.project,
                    g.amount,
                    g.total,
                    -- Money goes to what it was paid for; what an exchange took from one project and gave to another
                    -- beside that is transferred.
                    case
                        when g.total = 0 then (g.group_number = 1)::int::numeric
                        when sign(g.amount) = sign(g.total) then g.amount
                        else 0
                    end as weight
                from (
                    select
                        posting_date,
                        payment,
                        organisation,
                        project,
                        sum(amount + fee_amount) as amount,
                        sum(sum(amount + fee_amount)) over (partition by posting_date, payment) as total,
                        row_number() over (
                            partition by posting_date, payment order by organisation, project
                        ) as group_number
                    from billig.posted_log
                    where amount <> 0 or fee_amount <> 0
                    group by posting_date, payment, organisation, project
                ) as g
            ) as t
        ) as w
        left join lateral (
            select
                i.payment_method,
                i.amount
            from billig.payment_line as i
            where i.payment = w.payment
            offset 0 -- payment by payment, by the index: a day's or a month's are few of them all
        ) as l on true
        window
            whole as (partition by w.posting_date, w.payment, w.organisation, w.project),
            upto as (whole order by l.payment_method)
    ) as j
    -- A payment made around midnight has rows on two days. Its lines then stand on the first day whose rows sum to
    -- them, else on its first day; transfers even the two out.
    left join lateral (
        select
            d.posting_date as home_date,
            d.payment_total as home_total
        from (
            select
                r.posting_date,
                sum(r.amount + r.fee_amount) as amount,
                sum(sum(r.amount + r.fee_amount)) over () as payment_total
            from billig.posted_log as r
            where r.payment = j.payment and (r.amount <> 0 or r.fee_amount <> 0)
            group by r.posting_date
        ) as d
        where j.lines_total <> j.total
        order by d.amount = j.lines_total desc, d.posting_date
        limit 1
    ) as h on true
    -- Lines and rows that do not agree at all (consistency.payment_balance) are not evened out: it must show.
    cross join lateral (
        values (
            case
                when j.lines_total = j.total or h.home_total is null or h.home_total <> j.lines_total then j.total
                when h.home_date = j.posting_date then j.lines_total
                else 0
            end
        )
    ) as p (to_be_paid)
) as s
left join billig.payment_method as m on s.payment_method = m.payment_method
cross join lateral (
    values
    (case when m.is_rounding then 'ROUNDING' else 'PAYMENT' end, s.payment_method, s.line_share),
    ('TRANSFER', null, s.transfer)
) as c (line_kind, payment_method, amount)
where c.amount <> 0
group by s.posting_date, s.organisation, s.project, c.line_kind, c.payment_method;

comment on view billig.voucher_payment is
'Payments by day, organisation and project, as lines of vouchers. The lines of a payment are split over the organisations and projects of its log rows, in proportion to what each was paid, exactly to the øre; what an exchange moved between them without money is TRANSFER. NOK: debit (in) positive, credit (out) negative.';
