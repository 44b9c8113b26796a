create or replace function billig.new_purchase(
    p_owner_member_id int, p_owner_email text, p_owner_card bigint, p_seller text,
    out purchase bigint, out purchase_key uuid
)
language plpgsql
as $$
#variable_conflict use_column
begin
    loop -- until the sequence is past the ids that clients chose, as in new_tickets
        insert into billig.purchase (owner_member_id, owner_email, owner_card, seller)
        values (p_owner_member_id, nullif(p_owner_email, ''), p_owner_card, p_seller)
        on conflict do nothing
        returning purchase into purchase;
        exit when found;
    end loop;
    insert into billig.purchase_key (purchase) values (new_purchase.purchase) returning purchase_key into purchase_key;
end;
$$;

comment on function billig.new_purchase(int, text, bigint, text) is
'Makes a purchase without tickets, and returns its number and its key. Of its arguments each may be null.';
