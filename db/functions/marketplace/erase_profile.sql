create or replace function marketplace.erase_profile(p_profile bigint, p_now timestamptz default null)
returns table (what text, erased_rows bigint, kept_until date)
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_profile marketplace.profile;
    v_open record;
    v_kept date;
    v_words text;
    v_rows bigint;
begin
    p_now := jobs.server_time(p_now);
    if exists (select from marketplace.month) then
        perform marketplace.lock_open_month(null, p_now); -- nothing is linked to it meanwhile
    end if;
    select * into v_profile from marketplace.profile as p where p.profile = p_profile for no key update;
    if not found then
        raise exception 'no such profile' using
            errcode = 'P0002',
            detail = format('Profile %s.', p_profile),
            hint = 'Profiles are in marketplace.profile.';
    end if;
    select string_agg(o.what, '; ' order by o.place) as what, (array_agg(o.hint order by o.place))[1] as hint into v_open
    from marketplace.open_of(p_profile) as o;
    if v_open.what is not null then
        raise exception 'the profile has money open, or has not left' using
            errcode = '23B91',
            detail = format('Profile %s: %s.', p_profile, v_open.what),
            hint = v_open.hint;
    end if;
    if v_profile.erased_at is null then
        -- What the documents of a sale have to say: its parties.
        select books.kept_until(max(t.executed)) into v_kept
        from marketplace.transaction as t
        where t.profile = p_profile and t.executed is not null and (t.advertisement_amount, t.website_amount, t.due_amount) <> (0, 0, 0);
        if v_kept >= (p_now at time zone books.time_zone())::date then
            insert into marketplace.kept_name (profile, party_name, kept_until)
            values (p_profile, v_profile.profile_name, v_kept);
        end if;
    end if;
    -- What they are known by, longest first; looked for in what people and gateways wrote, whatever the case.
    select '(' || string_agg(regexp_replace(w.word, e'([][(){}.*+?^$|\\\\-])', e'\\\\\\1', 'g'), '|' order by length(w.word) desc) || ')'
    into v_words
    from (
        select v_profile.profile_name::text as word where v_profile.erased_at is null
        union
        select v_profile.login_role::text
        union
        select d.value
        from marketplace.payment_means as m
        cross join lateral jsonb_each_text(m.details - 'last_digits') as d
        where m.profile = p_profile
    ) as w
    where length(w.word) >= 3;
    update marketplace.profile as p
    set profile_name = format('Erased profile %s', p_profile), login_role = null, erased_at = coalesce(p.erased_at, p_now)
    where p.profile = p_profile;
    return query values ('profile', (v_profile.erased_at is null)::int::bigint, v_kept);

    update marketplace.advertisement as a
    set advertisement_name = format('Erased advertisement %s', a.advertisement)
    where a.profile = p_profile and a.advertisement_name <> format('Erased advertisement %s', a.advertisement);
    get diagnostics v_rows = row_count;
    return query values ('advertisement', v_rows, null::date);
    update marketplace.website as w
    set website_name = format('Erased website %s', w.website)
    where w.profile = p_profile and w.website_name <> format('Erased website %s', w.website);
    get diagnostics v_rows = row_count;
    return query values ('website', v_rows, null::date);

    update marketplace.payment_means as m
    set ended_at = p_now, ended_reason = 'erased'
    where m.profile = p_profile and m.ended_at is null;
    update marketplace.payment_means as m set details = '{}' where m.profile = p_profile and m.details <> '{}';
    get diagnostics v_rows = row_count;
    return query values ('payment_means', v_rows, null::date);
    update marketplace.payment_attempt as a
    set
        request = jsonb_strip_nulls(jsonb_build_object(
            'metadata', a.request -> 'metadata', 'description', a.request -> 'description', 'refunds', a.request -> 'refunds'
        )),
        message = null, event = 'erased', changed_at = p_now
    where
        a.profile = p_profile
        and (a.message is not null or a.request - array['metadata', 'description', 'refunds'] <> '{}');
    get diagnostics v_rows = row_count;
    return query values ('payment_attempt', v_rows, null::date);
    delete from marketplace.payment_action as x
    using marketplace.payment_attempt as a
    where x.payment_attempt = a.payment_attempt and a.profile = p_profile;
    update marketplace.payment_attempt_event as e
    set note = null
    from marketplace.payment_attempt as a
    where e.payment_attempt = a.payment_attempt and a.profile = p_profile and e.note is not null;
    get diagnostics v_rows = row_count;
    return query values ('payment_attempt_event', v_rows, null::date);
    update marketplace.stray as s set party = null where s.profile = p_profile and s.party is not null;
    get diagnostics v_rows = row_count;
    return query values ('stray', v_rows, null::date);
    return query
    select r.what, r.erased_rows, null::date from marketplace.erase_words(p_profile, v_words) as r;
end;
$$;

comment on function marketplace.erase_profile(bigint, timestamptz) is
'Erases a person (GDPR art. 17) whose account is closed and settled: the name, the names of advertisements and websites, means of payment, what gateways were asked with them and answered, and the name in whatever was written of their account; a row for each table with the rows erased. All amounts stay, and whose they are, by number. kept_until, of profile: until when documents have to say the name (marketplace.kept_name), which the bookkeeper alone reads; the job kept_names takes it away then. What a bank wrote of a payment is not reached: statements are primary documentation, kept whole for five years after the year (bokføringsloven § 13). Not undone. 22023; P0002 no such profile; 23B91 money is open, or the account: DETAIL says what, HINT what ends it. May be null: kept_until.';
