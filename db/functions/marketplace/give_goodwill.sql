create or replace function marketplace.give_goodwill(
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
    return marketplace.book_by_hand('GOODWILL', p_profile, p_amount, p_reason, p_request_id, null, p_now);
end;
$$;

comment on function marketplace.give_goodwill(bigint, numeric, text, text, timestamptz) is
'Gives a profile p_amount NOK by a person''s decision, out of the operator''s money; the GOODWILL transaction''s number. It is set off against what the profile owes, now or later; what is left is paid by the next run, whatever the minimum, where the profile has an account to be paid to. The same p_request_id again gives nothing more. 22023; P0002 no such profile; 23B13 the request was another. undo_by_hand takes it back.';
