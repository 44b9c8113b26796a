create or replace function books.rule_for(
    p_line_kind text, p_project int, p_organisation int, p_vat_code smallint, p_payment_method smallint,
    p_transaction_type smallint, p_day date
)
returns table (account int, deferred_account int, accounting_vat_code text)
language sql stable parallel safe
rows 1
begin atomic
    select
        u.account,
        u.deferred_account,
        u.accounting_vat_code
    from books.voucher_rule_period as u
    where
        u.line_kind = p_line_kind
        and u.valid_from <= p_day
        and u.valid_until > p_day
        and u.account is not null
        and (u.project is null or u.project = p_project)
        and (u.organisation is null or u.organisation = p_organisation)
        and (u.vat_code is null or u.vat_code = p_vat_code)
        and (u.payment_method is null or u.payment_method = p_payment_method)
        and (u.transaction_type is null or u.transaction_type = p_transaction_type)
    -- the most specific, in this order of columns; voucher_rule_key leaves no two alike
    order by
        u.project is null, u.organisation is null, u.vat_code is null, u.payment_method is null,
        u.transaction_type is null
    limit 1;
end;

comment on function books.rule_for(text, int, int, smallint, smallint, smallint, date) is
'The voucher rule (books.voucher_rule) that a line goes by on a day: the most specific of those that fit; none where none does. May be null: p_project, p_vat_code, p_payment_method, p_transaction_type, deferred_account, accounting_vat_code.';
