-- as: deployer
-- Group roles (DESIGN: rights). Roles belong to the cluster, not to the database, so each may exist already.
do $$
declare
    v_role text;
begin
    foreach v_role in array array[
        'billig_seller', 'billig_web', 'billig_legacy', 'billig_dev', 'marketplace_web',
        'bookkeeper', 'analyst', 'scheduler', 'auditor'
    ]
    loop
        begin
            execute format('create role %I nologin', v_role);
        exception
            when duplicate_object or unique_violation then null;
        end;
    end loop;
end;
$$;

comment on role billig_seller is 'Cashiers: sell, take payment, refund and exchange through the functions, as themselves';
comment on role billig_web is 'The web shop: web sales, their payment and their time-outs, through the functions';
comment on role billig_legacy is 'Legacy Perl: reads the ticketing tables, updates refunded, refunder, point_of_refund, used, on_card';
comment on role billig_dev is 'Development clients: may also insert purchases and tickets straight into the tables';
comment on role marketplace_web is 'The marketplace site';
comment on role bookkeeper is 'Reads reports and bank data, closes periods';
comment on role analyst is 'Reads schema report and creates in schema analysis; nothing else';
comment on role scheduler is 'Runs the timed functions: expiry of web sales and of reservations';
comment on role auditor is 'Reads the log, the reports and the consistency views; writes nothing';
