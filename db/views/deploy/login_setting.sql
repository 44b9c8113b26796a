create or replace view deploy.login_setting as
select
    g.group_role,
    s.setting,
    s.setting_value
from (
    values
    ('billig_seller', '1min'),
    ('billig_web', '1min'),
    ('billig_legacy', '1min'),
    ('billig_dev', '1min'),
    ('billig_site', '1min'),
    ('marketplace_web', '10min'),
    ('marketplace_profile', '1min'),
    ('bookkeeper', '30min'),
    ('analyst', '30min'),
    -- Jobs have a time of their own each, in jobs.schedule.
    ('scheduler', '3h'),
    ('auditor', '3h')
) as g (group_role, longest_statement)
cross join lateral (
    values
    ('lock_timeout', '10s'),
    ('statement_timeout', g.longest_statement),
    ('idle_in_transaction_session_timeout', '1min')
) as s (setting, setting_value);

comment on view deploy.login_setting is
'What a login of each group role begins its sessions with: one row per group role and setting. Settings of a group are not inherited by its members, so each login has them itself: deploy.create_login gives them, report.login says which login has none. A session may set others: they bound the careless, not the malicious.';
comment on column deploy.login_setting.group_role is 'The group role';
comment on column deploy.login_setting.setting is 'A setting of PostgreSQL';
comment on column deploy.login_setting.setting_value is 'Its value, with the unit';
