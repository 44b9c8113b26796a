create or replace function billig.transaction_log_keep()
returns trigger
language plpgsql
set search_path = pg_catalog, billig, pg_temp
as $$
declare
    v_calls text;
begin
    -- Called from one of the ticket's own triggers: of the calls this one stands in, one is theirs. Any trigger has a
    -- depth, and any owner may make one. A session may have all names quoted; one of another schema has a dot.
    if tg_op = 'INSERT' and pg_trigger_depth() > 1 then
        get diagnostics v_calls = pg_context;
        if v_calls ~ E'\n[^\n".]*(\\m|")ticket_log_(insert|update)"?[(][)]' then
            return null;
        end if;
    end if;
    raise exception 'the transaction log is append-only' using
        errcode = '23B07',
        detail = format('%s on %I.%I.', tg_op, tg_table_schema, tg_table_name),
        hint = 'Change the ticket: its triggers log it.';
end;
$$;

comment on function billig.transaction_log_keep() is
'Refuses UPDATE, DELETE, TRUNCATE and direct INSERT of the log (23B07), the owner''s and a superuser''s included.';

create or replace trigger transaction_log_keep
before insert or update or delete or truncate on billig.transaction_log
for each statement execute function billig.transaction_log_keep();
alter table billig.transaction_log enable always trigger transaction_log_keep;
