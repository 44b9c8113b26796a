create or replace function billig.need_read_committed()
returns void
language plpgsql stable
as $$
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'this needs isolation level read committed' using
            errcode = '25000',
            detail = format('The transaction is %s.', current_setting('transaction_isolation')),
            hint = 'What was committed while it waited would not be seen. Begin the transaction at that level.';
    end if;
end;
$$;

comment on function billig.need_read_committed() is
'Refuses (25000) a transaction whose snapshot is older than the locks it waits for: a sale that commits meanwhile would be left out.';
