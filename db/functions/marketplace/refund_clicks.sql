create or replace function marketplace.refund_clicks(
    p_transaction bigint,
    p_click_times timestamptz[],
    p_ad_clicks bigint[],
    p_reason text,
    p_request_id text,
    p_now timestamptz default null
)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_now constant timestamptz := jobs.server_time(p_now);
    v_profile bigint;
    v_prices numeric[];
    v_charges bigint[];
    v_is_known boolean;
    v_refund bigint;
begin
    perform books.check_text('p_reason', p_reason, 'p_request_id', p_request_id);
    p_click_times := books.list('p_click_times', p_click_times);
    p_ad_clicks := books.list('p_ad_clicks', p_ad_clicks);
    if cardinality(p_click_times) is null or cardinality(p_click_times) is distinct from cardinality(p_ad_clicks) then
        raise exception 'clicks are named by time and number' using
            errcode = '22023',
            detail = format('%s times, %s clicks.', cardinality(p_click_times), cardinality(p_ad_clicks)),
            hint = 'An array each of click_time and ad_click; whose advertisements they are on says the transaction.';
    end if;
    perform marketplace.lock_open_month(null, v_now);
    select t.profile into v_profile from marketplace.transaction as t where t.transaction = p_transaction;
    select array_agg(c.price), array_agg(distinct c.advertisement_charge_transaction)
    into v_prices, v_charges
    from (select distinct k.click_time, k.ad_click from unnest(p_click_times, p_ad_clicks) as k (click_time, ad_click)) as k
    left join marketplace.ad_click as c on c.profile = v_profile and k.click_time = c.click_time and k.ad_click = c.ad_click;
    -- Also those of months that rolled over into it.
    if v_profile is not null and (
        select count(*) from unnest(v_charges) as x (charge)
        inner join marketplace.charged_by(v_charges) as f on x.charge = f.transaction
        where f.final_transaction = p_transaction
    ) is distinct from cardinality(v_charges) then
        raise exception 'not all of the clicks are of this charge' using
            errcode = '22023',
            detail = format('Transaction %s, clicks of transactions %s.', p_transaction, v_charges),
            hint = 'Clicks of another month are given back with its charge.';
    end if;
    v_is_known := exists (
        select from marketplace.transaction as t where t.corrects = p_transaction and t.request_id = p_request_id
    );
    v_refund := marketplace.refund_transaction(
        p_transaction, p_reason, (select trunc(sum(x), 2) from unnest(v_prices) as x), p_request_id, p_now
    );
    if v_is_known and exists (
        select from unnest(p_click_times, p_ad_clicks) as k (click_time, ad_click)
        left join marketplace.adjustment as j
            on
                j.click_profile = v_profile and k.click_time = j.click_time and k.ad_click = j.ad_click
                and j.side = 'ADVERTISEMENT' and j.amount = 0 and j.reason = p_reason
        where j.adjustment is null
    ) then
        raise exception 'the request id was used for another refund' using
            errcode = '23B13',
            detail = format('Request %L: refund %s, which does not stand for these clicks.', p_request_id, v_refund),
            hint = 'Other clicks need another request id; of a refund that named none, adjust_clicks takes them back.';
    end if;
    if not v_is_known then
        perform marketplace.take_back_clicks(
            array_fill(v_profile, array[cardinality(p_ad_clicks)]), p_click_times, p_ad_clicks, p_reason, null, true, v_now
        );
    end if;
    return v_refund;
end;
$$;

comment on function marketplace.refund_clicks(bigint, timestamptz[], bigint[], text, text, timestamptz) is
'Gives back through the gateway what these clicks of an executed charge cost, cut off to whole øre, and takes the clicks back: their publishers'' shares as adjust_clicks does, the advertiser without a second credit. The number of the REFUND transaction. p_request_id: the same again makes no second one. 22023; P0002 no such transaction; 23B13 the request was another; 23B65 one was taken back before; 23B72 so much is not left of the charge; 23B73 it was not charged.';
