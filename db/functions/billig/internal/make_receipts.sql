create or replace function billig.make_receipts(p_era int)
returns void
language plpgsql
as $$
declare
    v_payments bigint[];
    v_organisations int[];
    v_kinds text[];
    v_cash_points int[];
    v_series billig.receipt_series;
begin
    -- By index of the log, which holds but this transaction's rows: payments would be guessed at, and read whole.
    select
        array_agg(d.payment), array_agg(d.organisation),
        array_agg(case when d.is_sale = d.is_return then 'BOTH' when d.is_sale then 'SALE' else 'RETURN' end),
        array_agg(d.cash_point)
    into v_payments, v_organisations, v_kinds, v_cash_points
    from (
        select
            l.payment, l.organisation, p.cash_point,
            bool_or(
                billig.is_sale(l.transaction_type)
                or billig.is_price_change(l.transaction_type) and l.amount + l.fee_amount > 0
            ) as is_sale,
            bool_or(
                billig.is_refund(l.transaction_type) or billig.is_reduction(l.transaction_type)
                or billig.is_price_change(l.transaction_type) and l.amount + l.fee_amount < 0
            ) as is_return
        from billig.transaction_log as l
        inner join billig.payment as p on l.payment = p.payment
        where
            l.era = p_era and l.xact_id = pg_current_xact_id()
            and p.disputed_payment is null -- what a provider takes back is between it and the buyer
            and not exists (
                select from billig.receipt as r where r.payment = l.payment and r.organisation = l.organisation
            )
        group by l.payment, l.organisation, p.cash_point
        order by l.payment, l.organisation
    ) as d;

    if cardinality(v_payments) = 1 and v_cash_points[1] is not null then -- as most are: it has the number that was taken
        v_series := billig.take_receipt_numbers(
            v_cash_points[1], null, (v_kinds[1] = 'SALE')::int, (v_kinds[1] = 'RETURN')::int, (v_kinds[1] = 'BOTH')::int
        );
        insert into billig.receipt (
            payment, organisation, receipt_kind, receipt_series, transaction_number, receipt_number
        )
        values (
            v_payments[1], v_organisations[1], v_kinds[1], v_series.receipt_series, v_series.last_transaction,
            case v_kinds[1]
                when 'SALE' then v_series.last_sale
                when 'RETURN' then v_series.last_return
                else v_series.last_both
            end
        );
        return;
    end if;

    insert into billig.receipt (
        payment, organisation, receipt_kind, receipt_series, transaction_number, receipt_number
    )
    select d.payment, d.organisation, d.kind, n.receipt_series, n.transaction_number, n.receipt_number
    from unnest(v_payments, v_organisations, v_kinds) as d (payment, organisation, kind)
    left join (
        select m.payment, m.organisation, m.receipt_series, m.transaction_number, m.receipt_number
        from (
            select
                array_agg(u.payment) as payments, array_agg(u.organisation) as organisations,
                array_agg(u.kind) as kinds, array_agg(u.cash_point) as cash_points
            from unnest(v_payments, v_organisations, v_kinds, v_cash_points) as u (payment, organisation, kind, cash_point)
            where u.cash_point is not null
        ) as c
        cross join lateral billig.number_documents(c.payments, c.organisations, c.kinds, c.cash_points) as m
    ) as n on d.payment = n.payment and d.organisation = n.organisation;
end;
$$;

comment on function billig.make_receipts(int) is
'Writes the receipts of this transaction''s payments that have none yet (one per payment and organisation), and numbers those of cash points. p_era: that of its log rows. Called at commit, by billig.transaction_log''s trigger: so a cash point''s row of billig.receipt_series is locked after everything else.';
