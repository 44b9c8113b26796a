create or replace view consistency.trigger_guard as
select
    w.table_name,
    w.trigger_name,
    case
        when t.oid is null then 'missing'
        when t.tgenabled <> 'A' then 'not ALWAYS'
        else 'not what was deployed'
    end as problem
from (
    values
    ('billig.ticket', 'aa_follow_client_id', 'billig.follow_client_id', 7),
    ('billig.ticket', 'ticket_fill', 'billig.ticket_fill', 7),
    ('billig.ticket', 'ticket_1_capacity_insert', 'billig.ticket_capacity_insert', 4),
    ('billig.ticket', 'ticket_1_capacity_update', 'billig.ticket_capacity_update', 16),
    ('billig.ticket', 'ticket_2_log_insert', 'billig.ticket_log_insert', 4),
    ('billig.ticket', 'ticket_2_log_update', 'billig.ticket_log_update', 16),
    ('billig.ticket', 'ticket_keep', 'billig.ticket_keep', 42),
    ('billig.transaction_log', 'transaction_log_keep', 'billig.transaction_log_keep', 62),
    ('billig.transaction_log', 'transaction_log_balance', 'billig.payment_balance', 5),
    ('billig.payment', 'payment_keep', 'billig.payment_keep', 58),
    ('billig.payment_line', 'payment_line_delete', 'billig.payment_keep', 42),
    ('billig.payment_line', 'payment_line_keep', 'billig.payment_line_keep', 21),
    ('billig.payment_line', 'payment_line_balance', 'billig.payment_balance', 21),
    ('billig.purchase', 'aa_follow_client_id', 'billig.follow_client_id', 7),
    ('billig.event', 'aa_follow_client_id', 'billig.follow_client_id', 7),
    ('billig.price_group', 'aa_follow_client_id', 'billig.follow_client_id', 7),
    ('billig.ticket_group_base', 'aa_follow_client_id', 'billig.follow_client_id', 7),
    ('billig.ticket_group', 'ticket_group_write', 'billig.ticket_group_write', 93)
) as w (table_name, trigger_name, function_name, trigger_type)
left join pg_trigger as t
    on
        t.tgrelid = to_regclass(w.table_name)
        and t.tgname = w.trigger_name
        and not t.tgisinternal
where
    t.oid is null
    or (t.tgenabled <> 'A' and w.table_name <> 'billig.ticket_group')
    or t.tgfoid <> to_regproc(w.function_name)
    or t.tgtype <> w.trigger_type;

comment on view consistency.trigger_guard is
'Every guarding and filling trigger stands, calls what was deployed at the moments it was deployed for, and is ALWAYS (a view''s own trigger cannot be). An owner can switch one off: a row here says so. A data-only restore leaves them ordinary: run pybridge deploy.';
