create or replace function billig.new_purchase(p_owner_member_id int, p_owner_email text, p_seller text)
returns bigint
language plpgsql
as $$
declare
    v_purchase bigint;
begin
    loop -- until the sequence is past the ids that clients chose, as in new_tickets
        insert into billig.purchase (owner_member_id, owner_email, seller)
        values (p_owner_member_id, nullif(p_owner_email, ''), p_seller)
        on conflict do nothing
        returning purchase into v_purchase;
        exit when found;
    end loop;
    return v_purchase;
end;
$$;

comment on function billig.new_purchase(int, text, text) is
'Makes a purchase without tickets, and returns its number. Of its arguments each may be null.';
