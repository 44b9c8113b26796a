create or replace function bank.file_of(p_content_sha256 bytea)
returns bigint
language sql stable
set search_path = pg_catalog, bank, pg_temp
begin atomic
    select max(f.import_file)
    from bank.import_file as f
    where
        f.content_sha256 = p_content_sha256
        and not exists (
            select from bank.payout as p
            inner join bank.payout_withdrawal as w on p.payout = w.payout
            where
                p.import_file = f.import_file
                and not exists (select from bank.payout as o where o.replaces = p.payout)
        );
end;

comment on function bank.file_of(bytea) is
'The file of that content, if it was loaded; null: it was not, or a payout of it was withdrawn, and nothing stands for that yet: it may be loaded again.';
