-- ticket.payment holds what writers named (docs/decisions/0010): a legacy write's own payment stands in the log alone.

comment on column billig.ticket.payment is
'The last payment that a writer named for it; one that was made for a legacy write, which names none, stands in the log alone';

-- squawk-ignore ban-drop-function -- internal: granted to nobody
drop function if exists billig.align_ticket(bigint[], bigint[], numeric[], numeric[]);

-- What was sold before: taken back to the payment last named. Only where there are such tickets, so never in a new database.
do $$
declare
    v_triggers text[];
    v_trigger text;
begin
    if not exists (
        select from billig.ticket as t
        inner join billig.payment as p on t.payment = p.payment
        where p.made_by = 'TRIGGER'
    ) then
        return;
    end if;
    v_triggers := array(
        select tgname from pg_catalog.pg_trigger where tgrelid = 'billig.ticket'::regclass and not tgisinternal
    );
    foreach v_trigger in array v_triggers loop
        execute pg_catalog.format('alter table billig.ticket disable trigger %I', v_trigger);
    end loop;
    update billig.ticket as t
    set payment = (
        select l.payment
        from billig.transaction_log as l
        inner join billig.payment as q on l.payment = q.payment
        where l.ticket = t.ticket and q.made_by <> 'TRIGGER'
        order by l.transaction_log desc
        limit 1
    )
    from billig.payment as p
    where t.payment = p.payment and p.made_by = 'TRIGGER';
    foreach v_trigger in array v_triggers loop
        execute pg_catalog.format('alter table billig.ticket enable always trigger %I', v_trigger);
    end loop;
end;
$$;
