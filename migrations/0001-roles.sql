-- as: deployer
-- Group roles. Roles belong to the cluster, not to the database, so each may exist already: then it is
-- left as it is.
do $$
declare
    r record;
begin
    for r in
        select role_name, role_note
        from (
            values
            ('billig_seller', 'Cashiers: sell, take payment, refund and exchange through the functions, as themselves'),
            ('billig_web', 'The web shop: web sales, their payment and their time-outs, through the functions'),
            ('billig_legacy', 'Legacy Perl: reads the ticketing tables, and saves whole rows of ticket; the triggers say which changes'),
            ('billig_dev', 'Development clients: may also insert purchases and tickets straight into the tables'),
            ('billig_site', 'Public web sites: read the programme, purchases, tickets, cards and failed payments; write nothing'),
            ('marketplace_web', 'The marketplace site'),
            ('marketplace_profile', 'Profiles of the marketplace that log in to the database themselves, each with a role of its own: see only what is theirs'),
            ('bookkeeper', 'Reads reports and bank data, closes periods'),
            ('analyst', 'Reads schema report and creates in schema analysis; nothing else'),
            ('scheduler', 'Runs the timed functions: expiry of web sales and of reservations'),
            ('auditor', 'Reads the log, the reports and the consistency views; writes nothing')
        ) as role (role_name, role_note)
        where not exists (select from pg_roles where rolname = role_name)
    loop
        begin
            execute format('create role %I nologin', r.role_name);
            execute format('comment on role %I is %L', r.role_name, r.role_note);
        exception
            when duplicate_object or unique_violation then null;
        end;
    end loop;
end;
$$;
