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
    v_beyond record;
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
    with key as materialized (
        select distinct k.click_time, k.ad_click
        from unnest(p_click_times, p_ad_clicks) as k (click_time, ad_click)
    ),

    found as materialized (
        select c.click_time, c.ad_click, c.price, c.advertisement_charge_transaction as charge
        from marketplace.ad_click as c
        inner join key as k on c.click_time = k.click_time and c.ad_click = k.ad_click
        where c.profile = v_profile
    )

    select array_agg(f.price), array_agg(distinct f.charge)
    into v_prices, v_charges
    from key as k
    left join found as f on k.click_time = f.click_time and k.ad_click = f.ad_click;
    -- Also those of months that went on to it.
    if v_profile is not null and (
        select count(*)
        from marketplace.transaction as t
        inner join marketplace.payment_attempt as a on t.taken_by = a.payment_attempt
        where t.transaction = any (v_charges) and a.transaction = p_transaction
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
        with key as materialized (
            select distinct k.click_time, k.ad_click
            from unnest(p_click_times, p_ad_clicks) as k (click_time, ad_click)
        ),

        charged as materialized (
            select c.advertisement_charge_transaction as transaction, sum(c.price) as price
            from marketplace.ad_click as c
            inner join key as k on c.click_time = k.click_time and c.ad_click = k.ad_click
            where c.profile = v_profile
            group by c.advertisement_charge_transaction
        ),

        x as (
            select c.transaction, c.price, coalesce(sum(a.credited), 0) as credited
            from charged as c
            left join marketplace.adjustment as a on c.transaction = a.old_transaction and a.side = 'ADVERTISEMENT'
            group by c.transaction, c.price
        )

        select t.month, t.taken, x.price, x.credited into v_beyond
        from x
        inner join marketplace.transaction as t on x.transaction = t.transaction
        where x.price + x.credited - t.taken >= 0.01
        order by t.month
        limit 1;
        if found then
            raise exception 'more than the charge took for these clicks' using
                errcode = '23B72',
                detail = format('Of the clicks of %s NOK %s were charged, of which NOK %s have been given back; now NOK %s.',
                    to_char(v_beyond.month, 'YYYY-MM'), v_beyond.taken, v_beyond.credited, v_beyond.price),
                hint = 'The rest was set off and never taken: adjust_clicks credits it to the account.';
        end if;
        perform marketplace.take_back_clicks(
            array_fill(v_profile, array[cardinality(p_ad_clicks)]), p_click_times, p_ad_clicks, p_reason, null, true, false, v_now
        );
    end if;
    return v_refund;
end;
$$;

comment on function marketplace.refund_clicks(bigint, timestamptz[], bigint[], text, text, timestamptz) is
'Gives back through the gateway what these clicks of an executed charge cost, cut off to whole øre, and takes the clicks back: their publishers'' shares as adjust_clicks does, the advertiser without a second credit. The number of the REFUND transaction. p_request_id: the same again makes no second one. 22023; P0002 no such transaction; 23B13 the request was another; 23B65 one was taken back before; 23B72 so much is not left of the charge; 23B73 it was not charged.';
