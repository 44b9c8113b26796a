create or replace function billig.confirm_net_payment(
    p_purchase bigint, p_amount numeric, p_provider_reference text, p_payment_method text default 'NET_CARD'
)
returns table (result text, ticket bigint, replaces bigint, amount numeric)
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_known constant boolean := exists (select from billig.purchase where purchase = p_purchase);
    v_live bigint[];
    v_lost bigint[];
    v_live_amount numeric;
    v_lost_amount numeric;
    v_parts bigint[];
    v_parts_amount numeric := 0;
    v_is_part boolean := false;
    v_is_late boolean := false;
    v_is_free boolean := false;
    v_tickets bigint[];
    v_bought numeric := 0;
    v_payment bigint;
begin
    perform books.check_text('p_provider_reference', p_provider_reference, 'p_payment_method', p_payment_method);
    perform billig.check_web();
    if coalesce(p_provider_reference, '') = '' or p_amount is null then
        raise exception 'an amount and the provider''s reference are needed' using
            errcode = '22023',
            detail = format('Amount %s, reference %L.', p_amount, p_provider_reference),
            hint = 'The reference is what makes a second confirmation harmless.';
    end if;
    if not exists (
        select from billig.payment_method
        where payment_method_name = p_payment_method and not (is_cash or is_rounding or is_held)
    ) then
        raise exception 'a payment provider does not take that' using
            errcode = '22023',
            detail = format('Method %L.', p_payment_method),
            hint = 'Name the method that the provider was paid with, such as NET_CARD or VIPPS.';
    end if;
    if v_known then
        perform billig.lock_purchase(p_purchase);
    end if;

    -- The provider says it twice: the same answer, and nothing happens.
    if not billig.confirmed_before(p_purchase, p_amount, p_provider_reference) then
        perform billig.let_go_cancelled(p_purchase);
        select
            array_agg(t.ticket order by t.ticket) filter (where t.refunded is null),
            coalesce(sum(t.price) filter (where t.refunded is null), 0),
            array_agg(t.ticket order by t.ticket) filter (where t.refunded is not null),
            coalesce(sum(t.price) filter (where t.refunded is not null), 0)
        into v_live, v_live_amount, v_lost, v_lost_amount
        from billig.ticket as t
        where
            t.purchase = p_purchase and t.sale_channel = 'NET' and t.paid is null
            and not exists (select from billig.ticket as r where r.replaces = t.ticket);

        if p_amount < v_live_amount then
            -- With what came before it may be enough, the oldest first and each whole; else it waits for the rest.
            select array_agg(w.owed_back), coalesce(sum(w.amount), 0) into v_parts, v_parts_amount
            from (
                select o.owed_back, o.amount, sum(o.amount) over (order by o.owed_back) as upto
                from billig.owed_back as o
                where o.purchase = p_purchase and o.kind = 'PART' and o.settled_at is null and o.used_payment is null
            ) as w
            where w.upto <= v_live_amount;
            v_is_part := p_amount + v_parts_amount < v_live_amount;
            v_bought := case when v_is_part then 0 else v_live_amount - v_parts_amount end;
        else
            -- Free tickets make two sums equal: then what is live is what was paid for.
            v_is_late := v_lost is not null and p_amount >= v_live_amount + v_lost_amount
                and not (v_live is not null and p_amount = v_live_amount);
            v_is_free := v_is_late and billig.still_free(v_lost);
            v_bought := v_live_amount + case when v_is_free then v_lost_amount else 0 end;
        end if;
        perform billig.refuse_no_money(p_purchase, p_amount, v_live_amount, v_is_late)
        where p_amount <= 0 and (v_is_part or v_live is null and not v_is_free) or p_amount <> round(p_amount, 2) or p_amount >= 1e10;

        -- The one home of the provider's reference, also where nothing is sold for it: it is unique there.
        v_payment := billig.new_payment(
            'SALE', case when v_known then p_purchase end, null, null, null, 'WEB', p_provider_reference, null, false,
            array[p_payment_method], null, v_bought
        );
        if not v_is_part then
            perform billig.use_parts(v_payment, v_parts) where v_parts is not null;
            update billig.ticket as t
            set paid = billig.local_time(), payment = v_payment
            where t.ticket = any (v_live);
        end if;
        if v_is_free then
            perform billig.sell_again(p_purchase, v_payment, v_lost);
        end if;
        if p_amount > v_bought then
            v_tickets := coalesce(
                case when v_is_late and not v_is_free then v_lost else v_live end, v_lost,
                array(select t.ticket from billig.ticket as t where t.purchase = p_purchase)
            );
            perform billig.owe_back(
                p_purchase, p_provider_reference, p_payment_method, p_amount - v_bought,
                case
                    when v_is_part then 'PART'
                    when cardinality(v_tickets) = 0 then 'UNKNOWN'
                    when v_tickets = v_lost and not v_is_free then 'LATE'
                    else 'SURPLUS'
                end,
                v_tickets
            );
        end if;
    end if;
    return query
    select c.result, c.ticket, c.replaces, c.amount
    from billig.net_confirmation as c
    where c.provider_reference = p_provider_reference
    order by c.ticket;
end;
$$;

comment on function billig.confirm_net_payment(bigint, numeric, text, text) is
'The payment provider charged the buyer. What was charged is recorded, whatever it is: one row per ticket that it paid for, and one without a ticket for what of it bought none. result: PAID; RESOLD (it had timed out, a new ticket at the price as sold names it in replaces: they were free still); OWED (amount is owed back to the buyer, in billig.owed_back: the tickets were gone, the event has begun or is cancelled, the purchase was paid already, it was more than that, or there is no such purchase); PART (amount is less than what is to be paid: kept for the rest while the tickets are held, owed back from then on). The rest pays the tickets with what came before it. p_amount: NOK. The same p_provider_reference again gives the first answer. 23B01 free tickets that timed out and are gone; 23B06 no sum of money; 23B19 reference used for something else; 22023; 42501. May be null: ticket, replaces.';
