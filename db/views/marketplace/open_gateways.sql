create or replace view marketplace.open_gateways as
select
    x.gateway,
    bool_and(x.is_idle) as is_idle
from (
    select
        a.gateway,
        false as is_idle
    from marketplace.payment_attempt as a
    where a.state in ('PREPARED', 'SUBMITTED', 'UNKNOWN', 'PROCESSING', 'REQUIRES_ACTION') or a.doubted_at is not null
    union all
    select
        s.gateway,
        false
    from marketplace.stray as s
    where s.resolution is null
    union all
    select
        b.gateway,
        true
    from marketplace.gateway_balance as b
) as x
group by x.gateway;

comment on view marketplace.open_gateways is
'Gateways with something to send or to ask, or with something of ours that no attempt explains; is_idle: nothing of that, but it has once said what it has of our money, and is asked again.';
