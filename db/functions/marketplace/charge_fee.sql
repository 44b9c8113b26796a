create or replace function marketplace.charge_fee(
    p_profile bigint,
    p_amount numeric,
    p_reason text,
    p_request_id text,
    p_now timestamptz default null
)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
begin
    perform books.check_text('p_reason', p_reason, 'p_request_id', p_request_id);
    p_now := jobs.server_time(p_now);
    return marketplace.book_by_hand('FEE', p_profile, p_amount, p_reason, p_request_id, null, p_now);
end;
$$;

comment on function marketplace.charge_fee(bigint, numeric, text, text, timestamptz) is
'Asks a profile for p_amount NOK by a person''s decision, such as a fee; the FEE transaction''s number. It is set off against what the profile is owed; what is left is charged by the next run, whatever the minimum. What a gateway itself costs is book_fee. The same p_request_id again asks for nothing more. 22023; P0002 no such profile; 23B13 the request was another. undo_by_hand takes it back before it is charged, refund_transaction after.';
