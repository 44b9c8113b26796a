create or replace function marketplace.verify_due(p_month date)
returns table (problem text, profile bigint, transaction bigint, expected numeric, found numeric, detail text)
language plpgsql stable
set search_path = pg_catalog, marketplace, pg_temp
as $$
#variable_conflict use_column
declare
    v_month marketplace.month;
begin
    select m.* into v_month from marketplace.month as m where m.month = p_month;
    return query
    select x.problem, t.profile, t.transaction, x.expected, x.found, x.detail
    from marketplace.transaction as t
    cross join lateral (
        values
        ('STATUS', null::numeric, null::numeric, (t.status = 'CURRENT') <> (v_month.closed_at is null),
            format('status is %s, the month is %s', t.status, case when v_month.closed_at is null then 'open' else 'closed' end)),
        ('DUE_AMOUNT', t.net_amount + t.carried_in + t.offset_in, t.due_amount + t.carried_out,
            t.net_amount + t.carried_in + t.offset_in <> t.due_amount + t.carried_out, 'NOK that there was, and due and carried on'),
        ('ROUNDING', trunc(t.net_amount + t.carried_in + t.offset_in, 2), t.due_amount,
            t.status not in ('CURRENT', 'ROLLED_OVER') and t.due_amount <> trunc(t.net_amount + t.carried_in + t.offset_in, 2),
            'NOK cut off to whole øre, and due'),
        ('MINIMUM', t.minimum, abs(t.due_amount),
            t.status in ('NEW', 'FAILED') and abs(t.due_amount) < t.minimum, 'NOK below the minimum, and not rolled over'),
        ('MINIMUM', t.minimum, abs(t.carried_out),
            t.status = 'ROLLED_OVER' and trunc(abs(t.carried_out), 2) >= greatest(t.minimum, 0.01),
            'NOK not below the minimum, and rolled over'),
        ('EXECUTED', null, t.due_amount, (t.status = 'EXECUTED') <> (t.executed is not null), 'executed, or not, and the date')
    ) as x (problem, expected, found, is_wrong, detail)
    where t.month = p_month and t.kind = 'MONTHLY' and x.is_wrong;
end;
$$;

comment on function marketplace.verify_due(date) is
'Whether status, due and carried amounts of a month''s transactions agree with each other, one row per discrepancy. NOK. For verify_month alone. May be null: expected, found.';
