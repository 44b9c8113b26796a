create or replace function books.export_vouchers(
    p_organisation int,
    p_first_day date,
    p_last_day date,
    p_first_number int default null,
    p_no_vat_code text default '0',
    p_layout text default 'GBAT10'
)
returns table (
    voucher_export int, first_number int, last_number int, corrections int, lines int, debit numeric
)
language plpgsql security definer
set search_path = pg_catalog, books, pg_temp
as $$
declare
    v_used int;
    v_first int;
    v_export int;
    v_suspense date;
begin
    perform books.check_text('p_no_vat_code', p_no_vat_code, 'p_layout', p_layout);
    perform books.check_day('p_first_day', p_first_day), books.check_day('p_last_day', p_last_day);
    if p_first_day is null or p_last_day is null or p_first_day > p_last_day
        or p_no_vat_code is null or p_no_vat_code !~ '^[A-Za-z0-9]{1,10}$'
        or p_layout is distinct from 'GBAT10'
    then
        raise exception 'an export needs a first and a last day, a layout, and a code for no VAT' using
            errcode = '22023',
            detail = format('From %L to %L, layout %L, code %L.', p_first_day, p_last_day, p_layout, p_no_vat_code),
            hint = 'Pass both days, in order. The layout is GBAT10; the code has up to ten letters and digits.';
    end if;
    if not exists (select from billig.organisation as o where o.organisation = p_organisation) then
        raise exception 'no such organisation' using
            errcode = 'P0002',
            detail = format('Organisation %L.', p_organisation),
            hint = 'Organisations are in billig.organisation.';
    end if;
    -- One export after the other, and each sees what the one before recorded.
    perform billig.need_read_committed();
    lock table books.voucher_export in share row exclusive mode;
    select max(e.last_number) into v_used
    from books.voucher_export as e
    where e.organisation = p_organisation;
    v_first := coalesce(p_first_number, v_used + 1, 1);
    if v_first <= v_used or v_first not between 1 and 9999999 then
        raise exception 'numbers of vouchers go on from the last one' using
            errcode = '23B55',
            detail = format('Organisation %s: the first number would be %s; %s is used.',
                p_organisation, v_first, coalesce('up to ' || v_used, 'none')),
            hint = format('Leave the number out, or begin at %s or later; numbers end at 9999999.', coalesce(v_used, 0) + 1);
    end if;

    v_export := nextval(pg_get_serial_sequence('books.voucher_export', 'voucher_export'));
    -- One statement, one snapshot.
    with line as (
        select
            u.*,
            f.voucher_number as corrects,
            v_first - 1 + dense_rank() over (order by u.posting_date, u.voucher)::int as voucher_number
        from books.unexported_line as u
        left join books.exported_voucher as f
            on u.organisation = f.organisation and u.voucher = f.voucher and f.corrects is null
        where
            u.organisation = p_organisation
            and u.posting_date >= p_first_day and u.posting_date <= p_last_day
    ),

    voucher as (
        insert into books.exported_voucher as v (
            organisation, voucher_number, voucher_export, voucher, posting_date, corrects
        )
        select distinct l.organisation, l.voucher_number, v_export, l.voucher, l.posting_date, l.corrects
        from line as l
    ),

    written as (
        insert into books.exported_line as n (
            organisation, voucher_number, line, line_kind, account, account_name, project, project_name, vat_code,
            vat_rate, accounting_vat_code, payment_method, amount, vat_amount, line_text
        )
        select
            l.organisation, l.voucher_number,
            row_number() over (
                partition by l.voucher_number
                order by
                    k.place, l.account, l.project nulls first, l.vat_code, l.vat_rate, l.payment_method,
                    l.accounting_vat_code
            ),
            l.line_kind, l.account, l.account_name, l.project, l.project_name, l.vat_code, l.vat_rate,
            l.accounting_vat_code, l.payment_method, l.amount, l.vat_amount,
            coalesce('Retter bilag ' || l.corrects || ': ', '') || l.line_text
        from line as l
        inner join books.voucher_line_kind as k on l.line_kind = k.line_kind
    )

    select min(l.posting_date) filter (where l.is_suspense) into v_suspense
    from line as l;
    if v_suspense is not null then
        raise exception 'lines of the vouchers have no account' using
            errcode = '23B46',
            detail = format('Organisation %s, the first of them on %s: see consistency.voucher_rule.', p_organisation, v_suspense),
            hint = 'Add a rule with books.set_voucher_rule.';
    end if;
    return query
    insert into books.voucher_export as e (
        voucher_export, organisation, first_day, last_day, layout, no_vat_code, first_number, last_number, lines, debit,
        content_sha256
    )
    select
        v_export, p_organisation, p_first_day, p_last_day, p_layout, p_no_vat_code, c.first_number, c.last_number,
        c.lines, c.debit, c.content_sha256
    from books.export_content as c
    where c.voucher_export = v_export
    returning
        e.voucher_export, e.first_number, e.last_number,
        (
            select count(*)::int
            from books.exported_voucher as v
            where v.voucher_export = v_export and v.corrects is not null
        ),
        e.lines, e.debit;
end;
$$;

comment on function books.export_vouchers(int, date, date, int, text, text) is
'Records what goes out to the accounting system: of the days from p_first_day to p_last_day, all that did not go out before, once. A voucher of report.voucher_line that never went out is a new one; what has changed since it did is a voucher that corrects it, by the difference. Vouchers are numbered from the organisation''s last number on, or from p_first_number, which is later than that (null: no wish). p_no_vat_code: what the file has where a line has no VAT code. Returns the export: its key, its first and last number, how many of its vouchers correct others, its lines, and NOK of its debits; no row where nothing is new, and then nothing is recorded. Its lines are in report.exported_line. 22023: no days in order, or no such layout or code; P0002: no such organisation; 23B46: a line has no account; 23B55: the number is used; 23B56: a voucher does not balance; 25000: not at read committed. May be null: p_first_number.';
