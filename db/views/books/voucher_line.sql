create or replace view books.voucher_line as
select
    concat_ws(
        '-', s.organisation, to_char(s.posting_date, 'YYYYMMDD'), case when s.is_close then 'K' end
    ) as voucher,
    s.posting_date,
    s.organisation,
    o.organisation_name,
    s.project,
    p.project_name,
    row_number() over (
        partition by s.posting_date, s.organisation, s.is_close
        order by
            k.place, a.account, s.project nulls first, s.vat_code, s.vat_rate, s.payment_method, s.accounting_vat_code,
            s.amount
    ) as line,
    s.line_kind,
    a.account,
    a.account_name,
    greatest(s.amount, 0) as debit,
    greatest(-s.amount, 0) as credit,
    s.amount,
    s.vat_code,
    s.vat_rate,
    s.vat_amount,
    s.accounting_vat_code,
    m.payment_method_name as payment_method,
    concat_ws(
        ', ', k.line_text, m.payment_method_name, 'mva-kode ' || s.vat_code,
        replace(trim_scale(nullif(s.vat_rate, 0))::text, '.', ',') || ' %',
        case when s.project is not null then 'prosjekt ' || s.project end
    ) as line_text,
    a.is_suspense,
    s.is_close
from (
    select
        n.posting_date,
        n.organisation,
        n.project,
        e.line_kind,
        e.account,
        e.accounting_vat_code,
        n.vat_code,
        e.vat_rate,
        n.payment_method,
        n.is_close,
        sum(e.amount) as amount,
        sum(e.vat_amount) as vat_amount
    from (
        -- summed before rules are looked for: a rule is looked for once
        select
            q.posting_date,
            q.rule_date,
            q.organisation,
            q.project,
            q.line_kind,
            q.vat_code,
            q.vat_rate,
            q.payment_method,
            q.transaction_type,
            q.prepaid_kind,
            q.is_close,
            sum(q.amount) as amount,
            sum(q.vat_amount) as vat_amount,
            sum(q.paired) as paired,
            sum(q.prepaid) as prepaid
        from (
            select
                posting_date,
                posting_date as rule_date,
                organisation,
                project,
                line_kind,
                vat_code,
                vat_rate,
                null::smallint as payment_method,
                transaction_type,
                'PREPAID' as prepaid_kind,
                false as is_close,
                amount,
                vat_amount,
                paired,
                prepaid
            from billig.voucher_sale
            union all
            select
                posting_date,
                sold_on,
                organisation,
                project,
                line_kind,
                vat_code,
                vat_rate,
                null,
                transaction_type,
                'RELEASE',
                false,
                amount,
                vat_amount,
                paired,
                prepaid
            from billig.voucher_release
            union all
            select
                posting_date,
                posting_date,
                organisation,
                null,
                line_kind,
                null,
                null,
                payment_method,
                null,
                null,
                false,
                amount,
                0,
                0,
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
                null,
                payment_method,
                null,
                null,
                false,
                amount,
                0,
                0,
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
                null,
                payment_method,
                null,
                null,
                false,
                amount,
                0,
                0,
                0
            from billig.voucher_loss
            union all
            select
                posting_date,
                posting_date,
                organisation,
                null,
                line_kind,
                null,
                null,
                payment_method,
                null,
                null,
                false,
                amount,
                0,
                0,
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
                null,
                payment_method,
                null,
                null,
                true,
                amount,
                0,
                0,
                0
            from billig.voucher_close
            union all
            select
                posting_date,
                posting_date,
                organisation,
                null,
                line_kind,
                null,
                null,
                payment_method,
                null,
                null,
                false,
                amount,
                0,
                0,
                0
            from bank.voucher_match
        ) as q
        group by
            q.posting_date, q.rule_date, q.organisation, q.project, q.line_kind, q.vat_code, q.vat_rate,
            q.payment_method, q.transaction_type, q.prepaid_kind, q.is_close
    ) as n
    left join lateral books.rule_for(
        n.line_kind, n.project, n.organisation, n.vat_code, n.payment_method, n.transaction_type, n.rule_date
    ) as r on true
    cross join lateral (
        select
            n.line_kind,
            r.account,
            r.accounting_vat_code,
            n.vat_rate,
            n.amount,
            n.vat_amount
        union all
        -- The liability, without a VAT code: it has none to work VAT out of. Taxed at the sale: to and from the account.
        select
            n.prepaid_kind,
            r.deferred_account,
            null,
            null,
            n.paired,
            0
        where n.paired <> 0 and r.deferred_account is not null
        union all
        select
            n.prepaid_kind,
            r.account,
            null,
            null,
            -n.paired,
            0
        where n.paired <> 0 and r.deferred_account is not null
        union all
        -- Taxed on delivery: until then with its VAT, on the account itself where the rule does not defer.
        select
            n.prepaid_kind,
            coalesce(r.deferred_account, r.account),
            null,
            null,
            n.prepaid,
            0
        where n.prepaid <> 0
    ) as e
    group by
        n.posting_date, n.organisation, n.project, e.line_kind, e.account, e.accounting_vat_code, n.vat_code,
        e.vat_rate, n.payment_method, n.is_close
    having sum(e.amount) <> 0 or sum(e.vat_amount) <> 0
) as s
inner join books.voucher_line_kind as k on s.line_kind = k.line_kind
inner join books.account as a
    on a.account = coalesce(s.account, (select x.account from books.account as x where x.is_suspense))
inner join billig.organisation as o on s.organisation = o.organisation
left join billig.project as p on s.project = p.project
left join billig.payment_method as m on s.payment_method = m.payment_method;

comment on view books.voucher_line is
'What report.voucher_line shows: the journal by day and organisation. is_close: it stands in the voucher that closing a period makes.';
