create or replace function books.set_voucher_rule(
    p_line_kind text,
    p_account int,
    p_valid_from date default null,
    p_deferred_account int default null,
    p_accounting_vat_code text default null,
    p_project int default null,
    p_organisation int default null,
    p_vat_code int default null,
    p_payment_method text default null,
    p_transaction_type text default null
)
returns int
language plpgsql security definer
set search_path = pg_catalog, books, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_kind books.voucher_line_kind;
    v_valid_from constant date := coalesce(p_valid_from, billig.local_time(clock_timestamp())::date);
    v_first_open date;
    v_method smallint;
    v_type smallint;
    v_unknown text;
    v_rule int;
begin
    perform books.check_text(
        'p_line_kind', p_line_kind, 'p_accounting_vat_code', p_accounting_vat_code,
        'p_payment_method', p_payment_method, 'p_transaction_type', p_transaction_type
    );
    perform books.check_day('p_valid_from', p_valid_from);
    select * into v_kind from books.voucher_line_kind where line_kind = p_line_kind;
    if v_kind.has_rule is not true
        or ((p_project is not null or p_vat_code is not null or p_transaction_type is not null) and not v_kind.of_tickets)
        or (p_payment_method is not null and not v_kind.of_method)
        or (p_deferred_account is not null and (p_line_kind not in ('REVENUE', 'FEE') or p_account is null
            or p_deferred_account = p_account))
        or (p_accounting_vat_code is not null and p_line_kind not in ('REVENUE', 'FEE'))
        or p_accounting_vat_code !~ '^[A-Za-z0-9]{1,10}$'
        or not isfinite(v_valid_from)
    then
        raise exception 'these lines cannot have such a rule' using
            errcode = '22023',
            detail = format('Line kind %L.', p_line_kind),
            hint = 'See books.voucher_line_kind. Only lines of tickets have a project. Only REVENUE and FEE are deferred and have the accounting system''s VAT code, of up to ten letters and digits.';
    end if;
    -- A period that is being closed waits for this, or this for it; what closed meanwhile must be seen.
    perform billig.need_read_committed();
    lock table books.accounting_period in share mode;
    v_first_open := books.first_open_day(p_organisation);
    if v_valid_from < v_first_open then
        raise exception 'the vouchers of a closed period stay as they are' using
            errcode = '22023',
            detail = format('Valid from %s; the first open day is %s.', v_valid_from, v_first_open),
            hint = 'Let it apply from an open day on.';
    end if;
    select payment_method into v_method from billig.payment_method where payment_method_name = p_payment_method;
    select transaction_type into v_type from billig.transaction_type where transaction_type_name = p_transaction_type;
    v_unknown := concat_ws(
        ', ',
        (
            select string_agg('account ' || a, ', ')
            from unnest(array[p_account, p_deferred_account]) as a
            where not exists (select from books.account as k where k.account = a)
        ),
        case when p_project is not null and not exists (select from billig.project where project = p_project)
            then 'project ' || p_project end,
        case when p_organisation is not null
            and not exists (select from billig.organisation where organisation = p_organisation)
            then 'organisation ' || p_organisation end,
        case when p_vat_code is not null and not exists (select from books.vat_code where vat_code = p_vat_code)
            then 'VAT code ' || p_vat_code end,
        case when p_payment_method is not null and v_method is null then 'payment method ' || p_payment_method end,
        case when p_transaction_type is not null and v_type is null then 'transaction type ' || p_transaction_type end
    );
    if v_unknown <> '' then
        raise exception 'no such account or project' using
            errcode = 'P0002',
            detail = format('There is no %s.', v_unknown),
            hint = 'An account is added with books.set_account, a project by importing a programme.';
    end if;
    insert into books.voucher_rule as r (
        line_kind, project, organisation, vat_code, payment_method, transaction_type, valid_from,
        account, deferred_account, accounting_vat_code
    )
    values (
        p_line_kind, p_project, p_organisation, p_vat_code, v_method, v_type, v_valid_from,
        p_account, p_deferred_account, p_accounting_vat_code
    )
    on conflict on constraint voucher_rule_key do update
    set
        account = excluded.account, deferred_account = excluded.deferred_account,
        accounting_vat_code = excluded.accounting_vat_code, set_by = excluded.set_by, set_at = excluded.set_at
    returning voucher_rule into v_rule;
    return v_rule;
end;
$$;

comment on function books.set_voucher_rule(text, int, date, int, text, int, int, int, text, text) is
'Says which account lines of vouchers go to, from a day on (today, if none is given); older vouchers keep theirs. The columns that are named make the rule specific, see books.voucher_rule; the same ones again give the rule a new account. p_account null: from then on there is no such rule. p_deferred_account: a liability until the day of the event; null: revenue at once. p_accounting_vat_code: what the accounting system calls the VAT code. Returns the rule''s row. 22023: no such rule, or a day in a closed period; P0002: no such account, project, organisation, VAT code, payment method or transaction type. May be null: p_account.';
