create or replace view report.click_flag as
select
    f.click_flag,
    case when f.decision is null then 'OPEN' else f.decision end as status,
    f.kind,
    f.profile,
    p.profile_name,
    coalesce(f.advertisement, f.website) as item_number,
    coalesce(a.advertisement_name, w.website_name) as item_name,
    f.since,
    f.until,
    f.clicks,
    f.rule_clicks,
    (f.flagged_at at time zone books.time_zone())::date as flagged_date,
    f.flagged_at,
    f.reason,
    f.decided_at,
    f.decided_by
from marketplace.click_flag as f
inner join marketplace.profile as p on f.profile = p.profile
left join marketplace.advertisement as a on f.advertisement = a.advertisement
left join marketplace.website as w on f.website = w.website;

comment on view report.click_flag is
'Clicks that a person should look at, a row for each flag; they are charged all the same until marketplace.decide_click_flag says ACCEPTED or EXCLUDED. Ask by status or flagged_date.';
comment on column report.click_flag.click_flag is 'Key: what decide_click_flag takes';
comment on column report.click_flag.status is 'OPEN: nobody has decided; ACCEPTED: they are honest; EXCLUDED: they were taken out, or back';
comment on column report.click_flag.kind is
'OWN_SITE: a profile''s advertisements clicked on its own website; BURST: one clicker, many times on one advertisement (marketplace.click_flag_rule)';
comment on column report.click_flag.profile is 'The advertiser, who pays for them';
comment on column report.click_flag.profile_name is 'Its name, as it is now';
comment on column report.click_flag.item_number is 'Number of the advertisement (BURST) or website (OWN_SITE)';
comment on column report.click_flag.item_name is 'Its name, as it is now';
comment on column report.click_flag.since is 'The clicks are from then on';
comment on column report.click_flag.until is 'The clicks are from before then';
comment on column report.click_flag.clicks is 'How many clicks, excluded ones left out';
comment on column report.click_flag.rule_clicks is 'From how many on the rule flags them';
comment on column report.click_flag.flagged_date is 'Local date of flagged_at';
comment on column report.click_flag.flagged_at is 'When they were found first';
comment on column report.click_flag.reason is 'Why it was decided so; null: open';
comment on column report.click_flag.decided_at is 'When it was decided; null: open';
comment on column report.click_flag.decided_by is 'The login that decided; null: open';
