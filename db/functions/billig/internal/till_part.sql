create or replace function billig.till_part(p_payment bigint, out sold numeric, out back numeric)
language sql stable
begin atomic
    with line as (
        select
            coalesce(sum(l.amount), 0) as amount,
            coalesce(sum(l.amount) filter (where not billig.is_web_payment(o.payment, o.seller, o.cash_point)), 0)
                as stand_amount
        from billig.payment_line as l
        left join billig.payment as o on l.gives_back = o.payment
        where l.payment = p_payment
    ),

    -- of an exchange: what the new tickets are paid with
    source as (
        select
            sum(x.amount) as amount,
            coalesce(sum(x.amount) filter (where not billig.is_web_payment(o.payment, o.seller, o.cash_point)), 0) as stand_amount
        from billig.exchange_source as x
        inner join billig.payment as o on x.gives_back = o.payment
        where x.payment = p_payment
    )

    select
        case
            when s.amount is not null then s.stand_amount / s.amount
            when l.amount < 0 then l.stand_amount / l.amount
            else 1
        end,
        case
            -- what came in for the old tickets is what the new are paid with, less what was paid, or with what went back
            when s.amount is not null and s.amount <> l.amount
                then least(greatest((s.stand_amount - l.stand_amount) / (s.amount - l.amount), 0), 1)
            when l.amount < 0 then l.stand_amount / l.amount
            else 1
        end
    from line as l
    cross join source as s;
end;

comment on function billig.till_part(bigint) is
'Which part of a payment at a till counts in X and Z reports, of what was sold and of what was given back, 0 to 1: what gives back a payment made on the web does not, nor what an exchange carries over of it.';
