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
    v_live bigint[];
    v_lost bigint[];
    v_live_amount numeric;
    v_lost_amount numeric;
    v_is_late boolean;
    v_is_free boolean;
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
    if exists (select from billig.payment_method where payment_method_name = p_payment_method and is_cash) then
        raise exception 'a payment provider does not take cash' using
            errcode = '22023',
            detail = format('Method %L.', p_payment_method),
            hint = 'Name the method that the provider was paid with, such as NET_CARD or VIPPS.';
    end if;
    perform billig.lock_purchase(p_purchase);

    -- The provider says it twice: the same answer, and nothing happens.
    if exists (select from billig.payment where provider_reference = p_provider_reference) then
        return query
        select c.result, c.ticket, c.replaces, c.amount
        from billig.net_confirmation as c
        where c.provider_reference = p_provider_reference and c.purchase = p_purchase
        order by c.ticket;
        if not found or p_amount <> (
            select sum(c.amount) from billig.net_confirmation as c where c.provider_reference = p_provider_reference
        ) then
            raise exception 'the provider''s reference was used for something else' using
                errcode = '23B19',
                detail = format('Reference %L.', p_provider_reference),
                hint = 'Each payment at the provider is confirmed once, for one purchase and one amount.';
        end if;
        return;
    end if;

    perform billig.let_go_cancelled(p_purchase);
    select array_agg(t.ticket order by t.ticket), coalesce(sum(t.price), 0)
    into v_live, v_live_amount
    from billig.ticket as t
    where t.purchase = p_purchase and t.sale_channel = 'NET' and t.paid is null and t.refunded is null;

    select array_agg(t.ticket order by t.ticket), coalesce(sum(t.price), 0)
    into v_lost, v_lost_amount
    from billig.ticket as t
    where
        t.purchase = p_purchase and t.sale_channel = 'NET' and t.paid is null and t.refunded is not null
        and not exists (select from billig.ticket as r where r.replaces = t.ticket);

    -- Free tickets make the two sums equal: then what is live is what was paid for.
    v_is_late := not (v_live is not null and p_amount = v_live_amount);
    if v_is_late and (v_lost is null or p_amount <> v_live_amount + v_lost_amount) then
        raise exception 'the amount does not match' using
            errcode = '23B06',
            detail = format('Purchase %s: NOK %s to be paid, %s of it for tickets timed out; %s confirmed.',
                p_purchase, v_live_amount + v_lost_amount, v_lost_amount, p_amount),
            hint = 'Nothing was recorded. Refund at the provider, or confirm the right amount.';
    end if;

    v_is_free := v_is_late and billig.still_free(v_lost);
    if v_is_late and not v_is_free and v_lost_amount = 0 then
        raise exception 'sold out' using
            errcode = '23B01',
            detail = format('The free tickets of purchase %s timed out, and are no longer available.', p_purchase),
            hint = 'Nothing was paid, so nothing is owed.';
    end if;

    -- The one home of the provider's reference, also where nothing is sold for it: it is unique there.
    v_payment := billig.new_payment(
        'SALE', p_purchase, null, null, null, 'WEB', p_provider_reference, null, false,
        array[p_payment_method], null,
        v_live_amount + case when v_is_free then v_lost_amount else 0 end
    );
    update billig.ticket as t
    set paid = billig.local_time(), payment = v_payment
    where t.ticket = any (v_live);
    if v_is_free then
        perform billig.sell_again(p_purchase, v_payment, v_lost);
    elsif v_is_late then
        perform billig.owe_back(p_purchase, p_provider_reference, p_payment_method, v_lost);
    end if;
    return query
    select c.result, c.ticket, c.replaces, c.amount
    from billig.net_confirmation as c
    where c.provider_reference = p_provider_reference
    order by c.ticket;
end;
$$;

comment on function billig.confirm_net_payment(bigint, numeric, text, text) is
'The payment provider said OK. One row per ticket; result: PAID; RESOLD (it had timed out, a new ticket at the price as sold names it in replaces: they were free still); OWED (they were not, or the event has begun or is cancelled: one row without a ticket, the money is recorded in owed_back). p_amount: NOK, must be what the purchase costs, the sum of its tickets'' prices. The same p_provider_reference again gives the first answer. P0002 no such purchase; 23B01 free tickets that timed out and are gone; 23B06 amount does not agree; 23B19 reference used for something else; 22023; 42501. May be null: ticket, replaces.';
