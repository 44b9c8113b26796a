create or replace function marketplace.bring_balance(
    p_profile bigint,
    p_amount numeric,
    p_document text,
    p_reason text,
    p_now timestamptz default null
)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
begin
    perform books.check_text('p_document', p_document, 'p_reason', p_reason);
    p_now := jobs.server_time(p_now);
    return marketplace.book_by_hand('BROUGHT', p_profile, p_amount, p_reason, p_document, null, p_now);
end;
$$;

comment on function marketplace.bring_balance(bigint, numeric, text, text, timestamptz) is
'Begins a profile with the balance that it had in an earlier marketplace: p_amount NOK, above 0 the profile owes us, below 0 we owe it, as document p_document says, at most 200 characters; the BROUGHT transaction''s number. It is due at once and set off like any other; below the minimum it goes to the open month. Once a profile; the same document, amount and reason again bring nothing more. 22023; P0002 no such profile; 23B13 the document was of another amount or reason; 23B61 no month is open yet; 23B97 the profile has begun with a balance. undo_by_hand takes it back.';
