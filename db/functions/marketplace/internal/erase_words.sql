create or replace function marketplace.erase_words(p_profile bigint, p_words text)
returns table (what text, erased_rows bigint)
language plpgsql
set search_path = pg_catalog, marketplace, pg_temp
as $$
#variable_conflict use_column
declare
    v_column record;
begin
    if p_words is null then
        return;
    end if;
    for v_column in
        select c.relname, a.attname
        from pg_class as c
        inner join pg_attribute as a on c.oid = a.attrelid and a.attname = any (marketplace.words_of_people())
        inner join pg_attribute as p on c.oid = p.attrelid and p.attname = 'profile'
        where c.relnamespace = 'marketplace'::regnamespace and c.relkind = 'r' and not c.relispartition
        order by c.relname, a.attname
    loop
        execute format(
            'update marketplace.%1$I as x set %2$I = left(regexp_replace(x.%2$I, $2, ''[erased]'', ''gi''), 500)'
            ' where x.profile = $1 and x.%2$I ~* $2',
            v_column.relname, v_column.attname
        ) using p_profile, p_words;
        get diagnostics erased_rows = row_count;
        if erased_rows > 0 then
            what := v_column.relname;
            return next;
        end if;
    end loop;
    -- What is paused may be one of their things.
    update marketplace.pause as x
    set
        reason = left(regexp_replace(x.reason, p_words, '[erased]', 'gi'), 500),
        resume_reason = left(regexp_replace(x.resume_reason, p_words, '[erased]', 'gi'), 500)
    where
        (
            x.advertisement in (select a.advertisement from marketplace.advertisement as a where a.profile = p_profile)
            or x.website in (select w.website from marketplace.website as w where w.profile = p_profile)
        )
        and (x.reason ~* p_words or x.resume_reason ~* p_words);
    get diagnostics erased_rows = row_count;
    if erased_rows > 0 then
        what := 'pause';
        return next;
    end if;
    update marketplace.ad_click as c
    set excluded_reason = left(regexp_replace(c.excluded_reason, p_words, '[erased]', 'gi'), 500)
    where p_profile in (c.profile, c.publisher) and c.excluded_reason ~* p_words;
    get diagnostics erased_rows = row_count;
    if erased_rows > 0 then
        what := 'ad_click';
        return next;
    end if;
end;
$$;

comment on function marketplace.erase_words(bigint, text) is
'Erases what a person is known by, a regular expression, from what was written of their account (words_of_people), and of their clicks: one row per table and column. For erase_profile alone. May be null: p_words.';
