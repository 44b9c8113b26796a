create or replace function billig.number_confirmations()
returns bigint
language sql security definer
set search_path = pg_catalog, billig, pg_temp
begin atomic
    select billig.number_receipts(null);
end;

comment on function billig.number_confirmations() is
'Numbers what went over no cash point and was not printed yet (web purchases, their refunds): each organisation''s in order, without a gap. Returns how many. Job confirmation_numbers; printing one numbers it at once.';
