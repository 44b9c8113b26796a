create or replace view consistency.rounding as
select
    s.payment,
    s.rounding,
    s.cash
from (
    -- what comes in and what goes back; of the latter each payment that is given back may end on other øre than the sum
    select
        l.payment,
        l.gives_back is not null as is_back,
        sum(l.amount) filter (where m.is_rounding) as rounding,
        sum(l.amount) filter (where m.is_cash) as cash
    from billig.payment_line as l
    inner join billig.payment_method as m on l.payment_method = m.payment_method and (m.is_cash or m.is_rounding)
    group by l.payment, l.gives_back is not null
) as s
where
    s.rounding is not null
    and (
        s.cash is null
        or s.cash <> billig.round_cash(s.cash + s.rounding)
        -- no more notes and coins go back than came in
        and not (s.is_back and s.cash > billig.round_cash(s.cash + s.rounding) and exists (
            select from billig.payment_line as i
            inner join billig.given_back as g on i.gives_back = g.payment and i.gives_back_method = g.payment_method
            where i.payment = s.payment and g.cash_amount = g.cash_took
        ))
    );

comment on view consistency.rounding is
'Cash alone is rounded, to whole kroner, 50 øre away from zero (NOK): a rounding goes with a cash line, and is what rounding cash and rounding together gives; less goes back only where all the cash that came in has gone back.';
