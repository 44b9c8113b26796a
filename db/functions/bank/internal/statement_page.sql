create or replace function bank.statement_page(
    p_statement_id text, p_sequence_number bigint, out whole text, out number bigint, out page text
)
returns record
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
begin atomic
    select
        coalesce(n.part[1], c.part[1], p_statement_id),
        coalesce(p_sequence_number, n.part[2]::bigint),
        coalesce(n.part[3], c.part[2], '')
    from (select regexp_match(p_statement_id, '^((?:.* )?([0-9]{1,18}))/([0-9]+)$')) as n (part)
    cross join (select regexp_match(p_statement_id, '^(.*) p([0-9]+)$')) as c (part);
end;

comment on function bank.statement_page(text, bigint) is
'Which page of which statement a name of bank.statement is: ST 12/2 of MT940, whose later pages have no sequence_number, or ID p2 of camt. whole: the name without the page; number: of the statement, null: none; page: empty: it has none.';
