create or replace function billig.note_dispute(
    p_payment bigint, p_dispute_type text, p_fee numeric, p_answer_by date, p_lets_in boolean
)
returns void
language plpgsql
as $$
begin
    if p_fee is null or not p_fee between 0 and 9999999999 or p_fee <> round(p_fee, 2) or p_lets_in is null then
        raise exception 'the fee is no sum of money, or nobody says who is let in' using
            errcode = '22023',
            detail = format('p_fee is %s, p_lets_in %s.', coalesce(p_fee::text, 'null'), coalesce(p_lets_in::text, 'null')),
            hint = 'p_fee: NOK from 0, with at most two decimals; p_lets_in: true or false.';
    end if;
    insert into billig.dispute (payment, dispute_type, fee, answer_by, lets_in)
    values (p_payment, nullif(p_dispute_type, ''), p_fee, p_answer_by, p_lets_in);
end;
$$;

comment on function billig.note_dispute(bigint, text, numeric, date, boolean) is
'Notes what a provider tells of a chargeback beside its money (billig.dispute). 22023: the fee is no sum of NOK, or p_lets_in is null. For record_chargeback alone.';
