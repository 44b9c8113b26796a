create or replace function billig.history_position(p_era int, p_xact_id xid8)
returns bigint
language sql immutable parallel safe
return (p_era::bigint << 47) + p_xact_id::text::bigint;

comment on function billig.history_position(int, xid8) is
'Where a transaction stands in the history of this database: its number, and above it the era (deploy.era), since a restored dump counts from the beginning again. Only grows; of an era up to 63 a floating-point number holds it exactly. What transaction_log_position_idx has.';
