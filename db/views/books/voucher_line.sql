create or replace view books.voucher_line as
select
    concat_ws('-', s.organisation, to_char(s.posting_date, 'YYYYMMDD')) as voucher,
    s.posting_date,
    s.organisation,
    o.organisation_name,
    s.project,
    p.project_name,
    row_number() over (
        partition by s.posting_date, s.organisation
        order by k.place, a.account, s.project nulls first, s.vat_code, s.payment_method, s.accounting_vat_code
    ) as line,
    s.line_kind,
    a.account,
    a.account_name,
    greatest(s.amount, 0) as debit,
    greatest(-s.amount, 0) as credit,
    s.amount,
    s.vat_code,
    s.vat_amount,
    s.accounting_vat_code,
    m.payment_method_name as payment_method,
    concat_ws(
        ', ', k.line_text, m.payment_method_name, 'mva-kode ' || s.vat_code,
        case when s.project is not null then 'prosjekt ' || s.project end
    ) as line_text,
    a.is_suspense
from (
    select
        n.posting_date,
        n.organisation,
        n.project,
        e.line_kind,
        e.account,
        e.accounting_vat_code,
        n.vat_code,
        n.payment_method,
        sum(e.amount) as amount,
        sum(n.vat_amount) as vat_amount
    from (
        -- summed before rules are looked for: a rule is looked for once
        select
            q.posting_date,
            q.rule_date,
            q.organisation,
            q.project,
            q.line_kind,
            q.vat_code,
            q.payment_method,
            q.transaction_type,
            q.is_held,
            q.is_release,
            sum(q.amount) as amount,
            sum(q.vat_amount) as vat_amount
        from (
            select
                posting_date,
                posting_date as rule_date,
                organisation,
                project,
                line_kind,
                vat_code,
                null::smallint as payment_method,
                transaction_type,
                is_held,
                false as is_release,
                amount,
                vat_amount
            from billig.voucher_sale
            union all
            select
                posting_date,
                sold_on,
                organisation,
                project,
                line_kind,
                vat_code,
                null,
                transaction_type,
                is_held,
                true,
                amount,
                0
            from billig.voucher_release
            union all
            select
                posting_date,
                posting_date,
                organisation,
                null,
                line_kind,
                null,
                payment_method,
                null,
                true,
                false,
                amount,
                0
            from billig.voucher_payment
            union all
            select
                posting_date,
                posting_date,
                organisation,
                null,
                line_kind,
                null,
                payment_method,
                null,
                true,
                false,
                amount,
                0
            from billig.voucher_owed_back
            union all
            select
                posting_date,
                posting_date,
                organisation,
                null,
                line_kind,
                null,
                payment_method,
                null,
                true,
                false,
                amount,
                0
            from billig.voucher_till
            union all
            select
                posting_date,
                posting_date,
                organisation,
                null,
                line_kind,
                null,
                payment_method,
                null,
                true,
                false,
                amount,
                0
            from bank.voucher_match
        ) as q
        group by
            q.posting_date, q.rule_date, q.organisation, q.project, q.line_kind, q.vat_code, q.payment_method,
            q.transaction_type, q.is_held, q.is_release
    ) as n
    left join lateral (
        select
            u.account,
            u.deferred_account,
            u.accounting_vat_code
        from books.voucher_rule_period as u
        where
            u.line_kind = n.line_kind
            and u.valid_from <= n.rule_date
            and u.valid_until > n.rule_date
            and u.account is not null
            and (u.project is null or u.project = n.project)
            and (u.organisation is null or u.organisation = n.organisation)
            and (u.vat_code is null or u.vat_code = n.vat_code)
            and (u.payment_method is null or u.payment_method = n.payment_method)
            and (u.transaction_type is null or u.transaction_type = n.transaction_type)
        -- the most specific, in this order of columns; voucher_rule_key leaves no two alike
        order by
            u.project is null, u.organisation is null, u.vat_code is null, u.payment_method is null,
            u.transaction_type is null
        limit 1
    ) as r on true
    cross join lateral (
        -- booked at once, or as a liability
        select
            case
                when r.deferred_account is not null and not n.is_held then 'PREPAID'
                else n.line_kind
            end as line_kind,
            case
                when r.deferred_account is not null and not n.is_held then r.deferred_account
                else r.account
            end as account,
            r.accounting_vat_code,
            n.amount
        where not n.is_release
        union all
        -- what was a liability becomes revenue, or the other way round; its VAT was booked when it was sold
        select
            'RELEASE',
            r.account,
            null,
            case when n.is_held then n.amount else -n.amount end
        where n.is_release and r.deferred_account is not null
        union all
        select
            'RELEASE',
            r.deferred_account,
            null,
            case when n.is_held then -n.amount else n.amount end
        where n.is_release and r.deferred_account is not null
    ) as e
    group by
        n.posting_date, n.organisation, n.project, e.line_kind, e.account, e.accounting_vat_code, n.vat_code,
        n.payment_method
    having sum(e.amount) <> 0 or sum(n.vat_amount) <> 0
) as s
inner join books.voucher_line_kind as k on s.line_kind = k.line_kind
inner join books.account as a
    on a.account = coalesce(s.account, (select x.account from books.account as x where x.is_suspense))
inner join billig.organisation as o on s.organisation = o.organisation
left join billig.project as p on s.project = p.project
left join billig.payment_method as m on s.payment_method = m.payment_method;

comment on view books.voucher_line is
'What report.voucher_line shows: the journal by day and organisation.';
