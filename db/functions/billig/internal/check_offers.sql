create or replace function billig.check_offers(
    p_offers billig.offer[], p_counts int[], p_price_groups int[], p_public boolean, p_net boolean,
    p_card bigint, p_owner_member_id int
)
returns void
language plpgsql stable
as $$
declare
    v_offer billig.offer;
    v_now constant timestamp := billig.local_time();
    i int := 0;
begin
    if coalesce(cardinality(p_offers), 0) <> cardinality(p_price_groups) then
        raise exception 'no such price group' using
            errcode = 'P0002',
            detail = format('Asked for price groups %s.', p_price_groups),
            hint = 'Price groups stand in billig.price_group; name each once.';
    end if;
    foreach v_offer in array p_offers loop
        i := i + 1;
        if v_offer.vat_rate is null or v_offer.fee_vat_rate is null then
            perform billig.refuse_without_vat(v_offer.event);
        end if;
        if v_now < v_offer.sale_from or v_now >= v_offer.sale_to then
            raise exception 'outside the sale period' using
                errcode = '23B02',
                detail = format('Event %s (%s) is sold from %s to %s; it is %s.', v_offer.event, v_offer.event_name,
                    v_offer.sale_from, v_offer.sale_to,
                    date_trunc('second', v_now)),
                hint = 'sale_from and sale_to of the event decide.';
        end if;
        -- a cancelled one, which is hidden, is refused as such (23B34) by the ticket's trigger
        if p_public and v_offer.hidden and not billig.is_cancelled(v_offer.event) then
            raise exception 'the event is hidden' using
                errcode = '23B03',
                detail = format('Event %s (%s).', v_offer.event, v_offer.event_name),
                hint = 'A seller may sell it.';
        end if;
        if p_net and not v_offer.netsale then
            raise exception 'not sold on the web' using
                errcode = '23B03',
                detail = format('Price group %s (%s).', v_offer.price_group, v_offer.price_group_name),
                hint = 'Buy it at a stand, or choose another price group.';
        end if;
        if v_offer.membership_needed then
            perform from billig.ticket_card
            where
                card = p_card
                and membership_ends >= v_now::date
                and (p_owner_member_id is null or owner_member_id = p_owner_member_id);
            if not found then
                raise exception 'membership is needed' using
                    errcode = '23B04',
                    detail = format('Price group %s (%s); card %s is not a valid ticket card of the buyer.',
                        v_offer.price_group, v_offer.price_group_name, coalesce(p_card::text, 'none')),
                    hint = 'Pass p_card, or choose another price group.';
            end if;
        end if;
        if p_counts[i] > v_offer.ticket_limit then
            raise exception 'too many tickets in one purchase' using
                errcode = '23B05',
                detail = format('Price group %s (%s): %s wanted, at most %s.',
                    v_offer.price_group, v_offer.price_group_name, p_counts[i], v_offer.ticket_limit),
                hint = 'ticket_limit of the ticket group decides.';
        end if;
    end loop;
    if p_card is not null and not exists (select from billig.ticket_card where card = p_card) then
        raise exception 'no such ticket card' using
            errcode = 'P0002',
            detail = format('Card %s.', p_card),
            hint = 'Ticket cards stand in billig.ticket_card; leave p_card null for paper tickets.';
    end if;
end;
$$;

comment on function billig.check_offers(billig.offer[], int[], int[], boolean, boolean, bigint, int) is
'What the tables mean for a sale: P0002 no such price group or ticket card; 23B02 sale period; 23B03 hidden (p_public) or not for the web (p_net); 23B04 membership; 23B05 ticket limit; 23B16 no VAT. Capacity is the trigger''s.';
