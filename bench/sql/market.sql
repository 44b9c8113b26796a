-- A marketplace: 2,000 advertisers with 8,000 advertisements, 1,500 publishers with 3,000 websites, two prices each, and
-- one profile (4000) with an advertisement and a website of its own that has as many clicks however many there are.
do $$
begin
    if not exists (select from pg_roles where rolname = 'bench_web') then
        create role bench_web login in role marketplace_web, scheduler;
    end if;
end;
$$;

insert into marketplace.profile (profile, profile_name)
select p, 'Profile ' || p
from generate_series(1, 4000) as p;
insert into marketplace.advertisement (advertisement, profile, advertisement_name)
select a, case when a = 8001 then 4000 else 1 + (a - 1) % 2000 end, 'Advertisement ' || a
from generate_series(1, 8001) as a;
insert into marketplace.advertisement_price (advertisement, valid_from, price)
select a, f, 0.25 + a % 97 * 0.0125 + extract(day from f) * 0.001
from generate_series(1, 8001) as a
cross join (values (timestamptz '2020-01-01'), ('2026-03-12')) as v (f);
insert into marketplace.website (website, profile, website_name)
select w, case when w = 3001 then 4000 else 1501 + (w - 1) % 1500 end, 'site' || w || '.no'
from generate_series(1, 3001) as w;

-- Clicks p_first to p_last, in the order of their times: evenly over the time given. Big advertisements and websites
-- are few: the biggest has 5 % of the clicks, or 2 %. A tenth is on pages of our own. One of p_probe is on the
-- profile's advertisement, another on its website, until there are 3,000 of each; 0: none.
create function public.made_clicks(p_first bigint, p_last bigint, p_from timestamptz, p_to timestamptz, p_probe bigint)
returns table (
    n bigint, profile bigint, click_time timestamptz, advertisement bigint, website bigint,
    publisher bigint, price numeric, commission_rate numeric, publisher_share numeric
)
language sql stable
begin atomic
    select
        k.n, a.profile, k.click_time, k.advertisement, k.website, w.profile, a.price, r.rate,
        case when k.website is null then 0 else trunc(a.price * (1 - r.rate), 6) end
    from (
        select
            i as n,
            p_from + (p_to - p_from) * ((i - p_first)::float8 / (p_last - p_first + 1)) as click_time,
            case
                when i <= p_probe * 3000 and i % nullif(p_probe, 0) = 0 then 8001
                else 1 + floor(8000 * power(abs(hashint8extended(i, 1) % 1000000007) / 1000000007.0::float8, 3))::bigint
            end as advertisement,
            case
                when i <= p_probe * 3000 and i % nullif(p_probe, 0) = 1 then 3001
                when i % 10 = 3 then null
                else 1 + floor(3000 * power(abs(hashint8extended(i, 2) % 1000000007) / 1000000007.0::float8, 2))::bigint
            end as website
        from generate_series(p_first, p_last) as i
    ) as k
    inner join marketplace.advertisement_tariff as a
        on k.advertisement = a.advertisement and k.click_time >= a.valid_from and k.click_time < a.valid_to
    cross join marketplace.commission_period as r
    left join marketplace.website as w on k.website = w.website
    where k.click_time >= r.valid_from and k.click_time < r.valid_to
    order by k.n;
end;

-- What COPY is compared on: the same columns, indexes and checks, in a table of its own.
select marketplace.ensure_partitions('2026-03-01', 1);
create table public.plain_click (like marketplace.ad_click including all);
analyze;
