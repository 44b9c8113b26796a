create or replace function marketplace.metadata_of(p_metadata jsonb)
returns table (profile bigint, month date, attempt_number int, request_id text)
language sql immutable
set search_path = pg_catalog, marketplace, pg_temp
begin atomic
    select
        case when p_metadata ->> 'profile' ~ '^[0-9]{1,18}$' then (p_metadata ->> 'profile')::bigint end,
        case when p_metadata ->> 'month' ~ '^20[0-9]{2}-(0[1-9]|1[0-2])$' then to_date(p_metadata ->> 'month', 'YYYY-MM') end,
        case when p_metadata ->> 'attempt_number' ~ '^[0-9]{1,9}$' then (p_metadata ->> 'attempt_number')::int end,
        p_metadata ->> 'request_id';
end;

comment on function marketplace.metadata_of(jsonb) is
'What the metadata that we gave a gateway (attempt_key) say, where they say it as we do. May be null: p_metadata, profile, month, attempt_number, request_id.';
