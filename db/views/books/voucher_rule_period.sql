create or replace view books.voucher_rule_period as
select
    line_kind,
    project,
    organisation,
    vat_code,
    payment_method,
    transaction_type,
    valid_from,
    lead(valid_from, 1, 'infinity') over (
        partition by line_kind, project, organisation, vat_code, payment_method, transaction_type order by valid_from
    ) as valid_until,
    account,
    deferred_account,
    accounting_vat_code
from books.voucher_rule;

comment on view books.voucher_rule_period is
'Voucher rules with the days they apply to: from valid_from, before valid_until.';
