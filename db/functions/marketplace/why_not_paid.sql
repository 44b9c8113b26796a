create or replace function marketplace.why_not_paid(p_profile bigint)
returns table (transaction bigint, month date, reason text, amount numeric, minimum numeric, explanation text)
language plpgsql stable security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_transactions bigint[];
begin
    perform marketplace.check_profile(p_profile);
    v_transactions := array(select t.transaction from marketplace.transaction as t where t.profile = p_profile);
    return query
    select
        t.transaction, t.month, s.code,
        coalesce(
            case s.code
                when 'SET_OFF' then t.offset_amount when 'SETTLED' then t.settled else t.left_amount + t.carried_out
            end,
            t.net_amount + t.carried_in + t.offset_in
        ),
        t.minimum,
        marketplace.in_words(n.says_en || ' ' || n.can_do_en, 'en', s.due_on, s.other_month, t.minimum, s.other)
    from marketplace.standing(v_transactions, now()) as s
    inner join marketplace.transaction as t on s.transaction = t.transaction
    inner join marketplace.next_step as n on s.code = n.code
    where s.code not in ('CHARGED', 'PAID', 'GIVEN_BACK', 'REFUND_CALLED_OFF')
    order by t.month desc, t.transaction desc;
end;
$$;

comment on function marketplace.why_not_paid(bigint) is
'What was not charged or paid of a profile''s months, or not in the end (M8), newest first: marketplace.why of each, save of what was simply charged, paid or given back. reason: a code of marketplace.next_step; explanation: what it says and what can be done, in English. amount: NOK, above 0 the profile owes us; what is left, of SET_OFF and SETTLED what was. 42501 another''s; P0002 no such profile. May be null: minimum.';
