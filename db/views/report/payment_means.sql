create or replace view report.payment_means as
select
    m.payment_means,
    m.profile,
    p.profile_name,
    m.kind,
    m.gateway,
    m.set_at,
    marketplace.means_fault(m.gateway, m.kind, m.details) as fault,
    s.is_restricted,
    s.needs,
    s.needed_by,
    s.said_at
from marketplace.payment_means as m
inner join marketplace.profile as p on m.profile = p.profile
left join lateral (
    select x.is_restricted, array_to_string(x.needs, ', ') as needs, x.needed_by, x.said_at
    from marketplace.means_status as x
    where x.payment_means = m.payment_means
    order by x.said_at desc, x.means_status desc
    limit 1
) as s on true
where m.ended_at is null;

comment on view report.payment_means is
'How each profile pays and is paid, as far as it can be told without showing it: what is wrong with the account, and what its gateway says of it, before anything is paid to it.';
comment on column report.payment_means.payment_means is 'Key';
comment on column report.payment_means.profile is 'Whose';
comment on column report.payment_means.profile_name is 'Its name, as it is now';
comment on column report.payment_means.kind is 'CHARGE: it pays with it; PAYOUT: it is paid to it';
comment on column report.payment_means.gateway is 'Through whom';
comment on column report.payment_means.set_at is 'From when on';
comment on column report.payment_means.fault is 'What is wrong with it, of those that were set before this was refused; null: nothing that can be seen';
comment on column report.payment_means.is_restricted is 'Whether its gateway takes no payment to it; null: it has not said';
comment on column report.payment_means.needs is 'What the gateway wants to know of its owner, in its own words, by comma; null: it has not said';
comment on column report.payment_means.needed_by is 'Until when; null: no time is told';
comment on column report.payment_means.said_at is 'As of when the gateway said so; null: it has not';
