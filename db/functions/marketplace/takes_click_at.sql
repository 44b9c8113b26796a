create or replace function marketplace.takes_click_at(p_time timestamptz)
returns boolean
language sql stable parallel safe security definer
set search_path = pg_catalog, marketplace, pg_temp
-- As text, which nothing depends on: each node that has clicks has this function, and must be able to have it.
as $$
    select
        p_time between marketplace.oldest_click(now()) and marketplace.newest_click(now())
        or exists (select from deploy.test_clock)
$$;

comment on function marketplace.takes_click_at(timestamptz) is
'Whether a click of this time is taken now (marketplace.click_window): the policy asks it of the site''s own INSERTs, record_clicks of its batches. Any time in a database marked for tests.';
