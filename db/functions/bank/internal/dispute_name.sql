create or replace function bank.dispute_name(p_entry bigint, p_detail int default 0)
returns text
language sql immutable parallel safe
return 'BANK-ENTRY-' || p_entry || case when p_detail = 0 then '' else '-D' || p_detail end;

comment on function bank.dispute_name(bigint, int) is
'What a dispute is called that an entry of the bank tells of, or a payment in it (bank.entry_detail; 0: the entry itself): its reference in billig.payment, and by which its item is found.';
