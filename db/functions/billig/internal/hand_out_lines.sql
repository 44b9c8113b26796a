create or replace function billig.hand_out_lines(p_plan billig.payment_line[], p_gained numeric)
returns void
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
begin
    insert into billig.payment_line (payment, payment_method, line, amount, gives_back, gives_back_method)
    select w.payment, x.payment_method, w.line, x.amount, w.gives_back, w.gives_back_method
    from (
        select
            d.payment, d.payment_method, d.line, d.amount, d.gives_back, d.gives_back_method,
            case
                when not d.is_cash or d.gives_back_method <> d.payment_method then d.rounded
                -- no more notes and coins than came in, by all of these payments together
                else greatest(sum(d.rounded) over c, d.most) - greatest(sum(d.rounded) over c - d.rounded, d.most)
            end as handed
        from (
            select
                u.payment, u.payment_method, u.gives_back, u.gives_back_method, u.amount, u.is_cash, u.line, u.most,
                case when u.is_cash then u.upto - coalesce(lag(u.upto) over k, 0) else u.amount end as rounded
            from (
                select
                    l.payment, l.payment_method, l.gives_back, l.gives_back_method, l.amount, m.is_cash,
                    g.cash_amount - g.cash_took as most,
                    -- a legacy write may add to its payment: what comes in there is its first line
                    coalesce(o.line, (p.made_by = 'TRIGGER')::int) + row_number() over n as line,
                    -- the krone below or above, whichever makes the whole right
                    least(
                        ceil(sum(l.amount) over n),
                        greatest(floor(sum(l.amount) over n), billig.round_cash(p_gained + sum(l.amount) over n))
                    ) as upto
                from unnest(p_plan) as l
                inner join billig.payment_method as m on l.payment_method = m.payment_method
                inner join billig.payment as p on l.payment = p.payment
                inner join billig.given_back as g on l.gives_back = g.payment and l.gives_back_method = g.payment_method
                left join lateral (
                    select max(i.line) as line
                    from billig.payment_line as i
                    inner join billig.payment_method as h on i.payment_method = h.payment_method
                    where i.payment = l.payment and (i.payment_method = l.payment_method or h.is_rounding)
                ) as o on true
                window n as (partition by l.payment, l.payment_method order by l.gives_back, l.gives_back_method)
            ) as u
            window k as (partition by u.payment, u.payment_method order by u.gives_back, u.gives_back_method)
        ) as d
        window c as (partition by d.gives_back, d.gives_back_method, d.payment_method order by d.payment)
    ) as w
    inner join billig.payment_method as r on r.is_rounding
    cross join lateral (
        values (w.payment_method, w.handed), (r.payment_method, w.amount - w.handed)
    ) as x (payment_method, amount)
    where x.payment_method <> r.payment_method or x.amount <> 0;
end;
$$;

comment on function billig.hand_out_lines(billig.payment_line[], numeric) is
'The lines of billig.hand_out, of payments whose whole has gained p_gained by rounding so far (NOK): what goes back in cash is handed out to the krone below or above, whichever makes the whole right, and a line of ROUNDING keeps the rest. No more notes and coins than came in.';
