create or replace function marketplace.check_brought(p_profile bigint, p_same bigint)
returns void
language plpgsql stable
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_brought marketplace.transaction;
begin
    select t.* into v_brought from marketplace.transaction as t where t.profile = p_profile and t.stands;
    if v_brought.transaction is not distinct from p_same then
        return;
    end if;
    -- Its document again, once it is undone, would seem to bring it, and bring nothing.
    raise exception 'the profile has begun with a balance already' using
        errcode = '23B97',
        detail = case
            when v_brought.transaction is null then format('Profile %s: the document is that of transaction %s, which was undone.',
                p_profile, p_same)
            else format('Profile %s: transaction %s, NOK %s, document %L.', p_profile, v_brought.transaction, v_brought.due_amount,
                v_brought.request_id)
        end,
        hint = case
            when v_brought.transaction is null then 'Bring it with a document of another number.'
            else format('If that was wrong: select marketplace.undo_by_hand(p_transaction => %s, p_reason => ''why'');',
                v_brought.transaction)
        end;
end;
$$;

comment on function marketplace.check_brought(bigint, bigint) is
'Refuses a second balance of a profile (23B97); p_same: the transaction that has its document already, null: none. For book_by_hand alone. May be null: p_same.';
