create or replace function marketplace.record_earlier_charges(
    p_profiles bigint[], p_months date[], p_amounts numeric[], p_documents text[]
)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_count constant bigint := cardinality(p_profiles);
    v_bad record;
    v_recorded bigint;
begin
    p_profiles := books.list('p_profiles', p_profiles);
    p_months := books.list('p_months', p_months);
    p_amounts := books.list('p_amounts', p_amounts);
    p_documents := books.list('p_documents', p_documents);
    perform books.check_day('p_months', m.month) from unnest(p_months) as m (month);
    perform books.check_text(variadic array(
        select x.word
        from unnest(p_documents) with ordinality as k (document, n)
        cross join lateral (values (1, 'p_documents'), (2, k.document)) as x (place, word)
        order by k.n, x.place
    ));
    if
        v_count is null or v_count = 0
        or (cardinality(p_months), cardinality(p_amounts), cardinality(p_documents)) is distinct from (v_count, v_count, v_count)
    then
        raise exception 'charges are given as arrays of one length' using
            errcode = '22023',
            detail = format('%s profiles, %s months, %s amounts, %s documents.', v_count, cardinality(p_months),
                cardinality(p_amounts), cardinality(p_documents)),
            hint = 'Each has a profile, the first day of a month, NOK and the number of its document.';
    end if;
    select k.*, p.profile is null as is_unknown, e.amount as before into v_bad
    from unnest(p_profiles, p_months, p_amounts, p_documents) with ordinality as k (profile, month, amount, document, n)
    left join marketplace.profile as p on k.profile = p.profile
    left join marketplace.earlier_charge as e on k.profile = e.profile and k.month = e.month and k.document = e.document
    where
        p.profile is null or not isfinite(k.month) or k.month <> date_trunc('month', k.month::timestamp)::date
        or k.amount = 0 or k.amount = 'NaN' or k.amount <> trunc(k.amount, 2) or abs(k.amount) >= 1e12
        or k.document = '' or length(k.document) > 200 or e.amount <> k.amount
    order by k.n
    limit 1;
    if found then
        raise exception 'a charge of the batch is none: nothing of it was recorded' using
            errcode = case when v_bad.is_unknown then 'P0002' when v_bad.before <> v_bad.amount then '23B13' else '22023' end,
            detail = format('Charge %s: profile %s, %s, NOK %s, document %L%s.', v_bad.n, v_bad.profile, v_bad.month, v_bad.amount,
                left(v_bad.document, 100), '; recorded before with NOK ' || v_bad.before),
            hint = 'Profiles are in marketplace.profile; the month is its first day; NOK, above 0 charged, below 0 paid, at most two decimals; another charge has another document.';
    end if;
    insert into marketplace.earlier_charge (profile, month, document, amount)
    select k.profile, k.month, k.document, k.amount
    from unnest(p_profiles, p_months, p_amounts, p_documents) with ordinality as k (profile, month, amount, document, n)
    where not exists (
        select
        from marketplace.earlier_charge as e
        where e.profile = k.profile and e.month = k.month and e.document = k.document
    )
    order by k.n;
    get diagnostics v_recorded = row_count;
    return v_recorded;
end;
$$;

comment on function marketplace.record_earlier_charges(bigint[], date[], numeric[], text[]) is
'Records what the job of an earlier marketplace charged (NOK above 0) and paid (below 0), a profile, month and document each, all or none, as history (marketplace.earlier_charge): it moves no money; how many are new. report.marketplace_earlier compares it with what the clicks say. 22023; P0002 no such profile; 23505 a document is twice in the batch; 23B13 the document was recorded with another amount; 23B96 a month of this marketplace was closed, or it is of a later month.';
