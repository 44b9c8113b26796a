create or replace view consistency.rounding as
with rounded as materialized (
    -- what comes in and what goes back
    select
        l.payment,
        l.gives_back is not null as is_back,
        sum(l.amount) filter (where m.is_rounding) as rounding,
        sum(l.amount) filter (where m.is_cash) as cash
    from billig.payment_line as l
    inner join billig.payment_method as m on l.payment_method = m.payment_method and (m.is_cash or m.is_rounding)
    group by l.payment, l.gives_back is not null
)

select
    s.payment,
    s.rounding,
    s.cash,
    'it is not what rounding its cash gives' as problem
from rounded as s
where
    s.rounding is not null
    and (
        s.cash is null
        or not s.is_back and s.cash <> billig.round_cash(s.cash + s.rounding)
        -- what goes back is rounded for the whole: to the krone below or above
        or s.is_back and s.cash <= s.cash + s.rounding - 1
        -- no more notes and coins go back than came in
        or s.is_back and s.cash >= s.cash + s.rounding + 1 and not exists (
            select from billig.payment_line as i
            inner join billig.given_back as g on i.gives_back = g.payment and i.gives_back_method = g.payment_method
            where i.payment = s.payment and g.cash_amount = g.cash_took
        )
    )
union all
select
    w.payment,
    w.gained,
    null,
    'buyers gain more by rounding than 50 øre for each of their purchases'
from (
    select
        min(t.payment) as payment,
        (
            select sum(l.amount)
            from billig.payment_line as l
            inner join billig.payment_method as m on l.payment_method = m.payment_method and m.is_rounding
            where l.payment = any (t.payments)
        ) as gained,
        (
            select count(distinct l.purchase)
            from billig.transaction_log as l
            where l.payment = any (t.payments)
        ) as purchases
    from (
        select s.payment, billig.tied_payments(array[s.payment]) as payments
        from rounded as s
        where s.rounding > 0
    ) as t
    group by t.payments
) as w
where w.gained > 0.50 * w.purchases;

comment on view consistency.rounding is
'Cash alone is rounded, to whole kroner, 50 øre away from zero (NOK): a rounding goes with a cash line, and of what comes in it is what rounding cash and rounding together gives. What goes back is rounded for the whole (billig.hand_out), so to the krone below or above; less only where all the cash that came in has gone back. By all of it together buyers gain 50 øre at most for each purchase that is tied to theirs.';
