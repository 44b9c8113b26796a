create or replace view report.marketplace_earlier as
with side as (
    select
        marketplace.month_of(c.click_time) as month,
        c.profile,
        count(*) as clicks,
        sum(c.price) as amount,
        0::bigint as paid_clicks,
        0::numeric as share
    from marketplace.earlier_click as c
    group by 1, 2
    union all
    select
        marketplace.month_of(c.click_time),
        c.publisher,
        0,
        0,
        count(*),
        sum(c.publisher_share)
    from marketplace.earlier_click as c
    where c.publisher is not null
    group by 1, 2
),

due as (
    select
        s.month,
        s.profile,
        sum(s.clicks) as advertisement_clicks,
        sum(s.amount) as advertisement_amount,
        sum(s.paid_clicks) as website_clicks,
        -sum(s.share) as website_amount
    from side as s
    group by s.month, s.profile
),

charged as (
    select
        e.month,
        e.profile,
        count(*) as charges,
        sum(e.amount) as amount
    from marketplace.earlier_charge as e
    group by e.month, e.profile
),

compared as (
    select
        coalesce(d.month, c.month) as month,
        coalesce(d.profile, c.profile) as profile,
        coalesce(d.advertisement_clicks, 0) as advertisement_clicks,
        coalesce(d.advertisement_amount, 0) as advertisement_amount,
        coalesce(d.website_clicks, 0) as website_clicks,
        coalesce(d.website_amount, 0) as website_amount,
        coalesce(c.charges, 0) as charges,
        coalesce(c.amount, 0) as charged_amount
    from due as d
    full join charged as c on d.month = c.month and d.profile = c.profile
)

select
    c.month,
    c.profile,
    p.profile_name,
    c.advertisement_clicks::bigint as advertisement_clicks,
    c.advertisement_amount::numeric(18, 6) as advertisement_amount,
    c.website_clicks::bigint as website_clicks,
    c.website_amount::numeric(18, 6) as website_amount,
    (c.advertisement_amount + c.website_amount)::numeric(18, 6) as net_amount,
    c.charges,
    c.charged_amount::numeric(14, 2) as charged_amount,
    (c.charged_amount - c.advertisement_amount - c.website_amount)::numeric(18, 6) as wrong_amount,
    sum(c.charged_amount - c.advertisement_amount - c.website_amount) over (
        partition by c.profile order by c.month rows unbounded preceding
    )::numeric(18, 6) as wrong_so_far
from compared as c
inner join marketplace.profile as p on c.profile = p.profile;

comment on view report.marketplace_earlier is
'What the job of an earlier marketplace charged, and what its clicks say was due, per month and profile. NOK: above 0 the profile owes or was charged, below 0 it is owed or was paid. wrong_amount above 0: it was charged too much, or paid too little.';
comment on column report.marketplace_earlier.month is 'First day of the month, by the clicks'' local time';
comment on column report.marketplace_earlier.profile is 'Whose clicks and charges';
comment on column report.marketplace_earlier.profile_name is 'Its name, as it is now';
comment on column report.marketplace_earlier.advertisement_clicks is 'Clicks on its advertisements in history';
comment on column report.marketplace_earlier.advertisement_amount is 'NOK that they cost, 6 decimals: above 0 it owed';
comment on column report.marketplace_earlier.website_clicks is 'Clicks on its websites in history';
comment on column report.marketplace_earlier.website_amount is 'NOK that they earned, 6 decimals: below 0 it was owed';
comment on column report.marketplace_earlier.net_amount is 'NOK that was due by the clicks: advertisement_amount + website_amount';
comment on column report.marketplace_earlier.charges is 'How many times the earlier job charged or paid it for the month';
comment on column report.marketplace_earlier.charged_amount is 'NOK that the earlier job charged (above 0) or paid (below 0)';
comment on column report.marketplace_earlier.wrong_amount is 'NOK, charged_amount - net_amount: above 0 charged too much or paid too little, below 0 the other way';
comment on column report.marketplace_earlier.wrong_so_far is 'NOK, wrong_amount of this month and all before: what a month left below a minimum, or below an øre, evens out here';
