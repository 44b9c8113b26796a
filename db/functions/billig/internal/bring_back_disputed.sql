create or replace function billig.bring_back_disputed(p_dispute_reference text, p_provider_reference text)
returns numeric
language plpgsql
as $$
declare
    v_owed billig.owed_back[];
    v_again bigint;
    v_lost numeric;
begin
    perform books.begin_posting();
    v_owed := array(
        select o
        from billig.owed_back as o
        where
            o.settled_reference = p_dispute_reference
            and o.provider_reference = coalesce(p_provider_reference, o.provider_reference)
        order by o.owed_back
        for no key update
    );
    if cardinality(v_owed) > 1 then
        raise exception 'it cannot be told which debt the dispute had paid' using
            errcode = '23B39',
            detail = format('Dispute %L; debts %s.', p_dispute_reference, (
                select string_agg(o.owed_back::text, ', ') from unnest(v_owed) as o
            )),
            hint = 'Look at them: select * from report.owed_back where settled_reference is not null. What came is matched by hand: pybridge bank match --entry';
    end if;
    update billig.dispute_loss as o
    set won_at = clock_timestamp(), won_by = session_user
    where o.dispute_reference = p_dispute_reference and o.won_at is null;
    select o.amount into v_lost from billig.dispute_loss as o where o.dispute_reference = p_dispute_reference;
    if v_owed = '{}' then
        return v_lost;
    elsif not exists (select from billig.owed_back as n where n.reopens = v_owed[1].owed_back) then
        insert into billig.owed_back (
            purchase, named_purchase, provider_reference, payment_method, amount, kind, recorded_at, reopens
        )
        values (
            v_owed[1].purchase, v_owed[1].named_purchase, v_owed[1].provider_reference, v_owed[1].payment_method,
            v_owed[1].amount, case v_owed[1].kind when 'PART' then 'LATE' else v_owed[1].kind end, clock_timestamp(),
            v_owed[1].owed_back
        )
        returning owed_back into v_again;
        insert into billig.owed_back_part (owed_back, ticket, organisation, project, event, amount)
        select v_again, o.ticket, o.organisation, o.project, o.event, o.amount
        from billig.owed_back_part as o
        where o.owed_back = v_owed[1].owed_back;
    end if;
    return v_owed[1].amount + coalesce(v_lost, 0);
end;
$$;

comment on function billig.bring_back_disputed(text, text) is
'A dispute was won: what it had taken beside the money of tickets is here again. A debt that it had paid (billig.owed_back, by its settled_reference; of the charge p_provider_reference, null: of any) is owed again, by a row of its own; what it had taken beyond all there was (billig.dispute_loss) is no loss any more. Each once. Returns NOK of both; null: there is neither. 23B39: it may have paid several debts; 23B45: the clock is behind a closed period. For record_chargeback_won alone, which has locked the tickets by then, as settle_owed_back does. May be null: p_provider_reference.';
