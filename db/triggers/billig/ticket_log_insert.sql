-- Which row a new ticket gets in the log: the first part of the table of changes. Numbers stand here with their names.

create or replace function billig.ticket_log_insert()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
    v_now constant timestamptz := clock_timestamp();
    v_today constant date := billig.local_time(v_now)::date;
    v_era int;
    v_unnamed boolean;
    v_payment bigint;
    v_several boolean;
    v_odd boolean;
    v_refused bigint[];
    v_first bigint;
    v_first_of jsonb;
    v_payment_of jsonb;
begin
    if tg_relid <> 'billig.ticket'::regclass then
        raise exception 'the transaction log is of tickets' using
            errcode = '23B07',
            detail = format('%s on %I.%I.', tg_op, tg_table_schema, tg_table_name),
            hint = 'Change the ticket: its triggers log it.';
    end if;
    -- Longer than other functions: refusals, legacy payments and the log's rows all read the transition table, which no
    -- function that is called sees.
    select
        bool_or(t.paid is not null and t.payment is null),
        min(t.payment),
        min(t.payment) <> max(t.payment),
        bool_or(
            t.refunded is not null or t.used is not null or t.replaced_by is not null
            or t.refunder is not null or t.point_of_refund is not null or t.exchange is not null
            or t.reduced + t.charged_back + t.kept <> 0
            or t.paid is null and (t.sale_channel = 'STAND' or t.payment is not null)
            or t.paid is not null and t.sale_channel = 'RESERVATION'
        ),
        min(t.ticket) filter (where t.paid is not null),
        (select e.era from deploy.era as e order by e.era desc limit 1)
    into v_unnamed, v_payment, v_several, v_odd, v_first, v_era
    from new_ticket as t;

    -- What no sale gives is a negative type, of billig.ticket_refusal. Most inserts are a function's, which names one
    -- payment, its own: looked up once. All others, an exchange's among them, are looked at ticket by ticket.
    if
        v_odd or v_several
        or v_payment is not null and not exists (
            select from billig.open_payment as p
            where p.payment = v_payment and p.exchange is null
        )
    then
        select min(array[t.refusal, t.ticket])
        into v_refused
        from (
            select
                n.ticket,
                case
                    when n.refunded is not null or n.used is not null or n.replaced_by is not null
                        or n.refunder is not null or n.point_of_refund is not null
                        or n.reduced + n.charged_back + n.kept <> 0 then -1
                    when n.sale_channel = 'STAND' and n.paid is null then -2
                    when n.sale_channel = 'RESERVATION' and n.paid is not null then -3
                    when n.payment is not null
                        and (n.paid is null or not exists (
                            select from billig.open_payment as p
                            where p.payment = n.payment and p.exchange is not distinct from n.exchange
                        )) then -4
                end as refusal
            from new_ticket as n
        ) as t
        where t.refusal is not null;
        if v_refused is not null then
            perform billig.refuse_change(v_refused[2], v_refused[1]::smallint);
        end if;
    end if;

    -- Tickets sold paid whose payment nobody named: legacy. One payment per purchase and transaction.
    if v_unnamed then
        select jsonb_object_agg(m.ticket, m.payment)
        into v_payment_of
        from (
            select
                array_agg(ticket) as tickets, array_agg(purchase) as purchases,
                array_agg('SALE'::text) as kinds, array_agg(seller) as sellers,
                array_agg(cash_point) as cash_points, array_agg(sale_channel) as channels,
                array_agg(price) as amounts
            from new_ticket
            where paid is not null and payment is null
        ) as a
        cross join billig.make_payments(
            a.tickets, a.purchases, a.kinds, a.sellers, a.cash_points, a.channels, a.amounts
        ) as m;
    end if;

    -- The first row of each payment has the payment checked at commit. A function's insert names one payment alone.
    if v_unnamed or v_several then
        select jsonb_object_agg(f.payment, f.ticket)
        into v_first_of
        from (
            select coalesce(payment, (v_payment_of ->> ticket::text)::bigint) as payment, min(ticket) as ticket
            from new_ticket
            where paid is not null
            group by 1
        ) as f;
    end if;

    insert into billig.transaction_log (
        transaction_time, transaction_date, ticket, purchase, payment, exchange, related_ticket,
        xact_id, era, login_role, transaction_type, seller, cash_point, first_of_payment,
        price_group, ticket_group, event, organisation, project, sold_name,
        price, fee, amount, vat_code, vat_rate, vat_amount, fee_amount, fee_vat_code, fee_vat_rate, fee_vat_amount
    )
    select
        v_now, v_today, t.ticket, t.purchase, t.payment, t.exchange, t.replaces,
        pg_current_xact_id(), v_era, session_user,
        case
            when t.sale_channel = 'STAND' then 1 -- NORMAL_SALE
            when t.sale_channel = 'NET' and not t.is_money then 4 -- NET_SALE
            when t.sale_channel = 'NET' then 6 -- NET_PAID
            else 7 -- RESERVATION_SALE
        end,
        case when t.sale_channel <> 'NET' then t.seller end, t.cash_point,
        t.is_money and t.ticket = coalesce((v_first_of ->> t.payment::text)::bigint, v_first),
        t.price_group, t.ticket_group, t.event, t.organisation, t.project, t.sold_name,
        t.price, t.fee,
        case when t.is_money then t.price - t.fee else 0 end,
        t.vat_code, t.vat_rate,
        case when t.is_money then books.vat_of(t.price - t.fee, t.vat_rate) else 0 end,
        case when t.is_money then t.fee else 0 end,
        t.fee_vat_code, t.fee_vat_rate,
        case when t.is_money then books.vat_of(t.fee, t.fee_vat_rate) else 0 end
    from (
        select
            n.ticket, n.purchase, n.exchange, n.replaces, n.sale_channel, n.seller, n.cash_point,
            n.price_group, n.ticket_group, n.event, n.organisation, n.project, n.sold_name,
            n.price, n.vat_code, n.vat_rate, n.fee, n.fee_vat_code, n.fee_vat_rate,
            case when s.is_money then coalesce(n.payment, (v_payment_of ->> n.ticket::text)::bigint) end as payment,
            s.is_money
        from new_ticket as n
        -- A web ticket that is paid already was sold, then paid: two rows, in this order, for such a join loops over
        -- one side or the other. (a sort would cost as much as two of the rows; consistency.first_row watches)
        inner join (values (false), (true)) as s (is_money)
            on case when s.is_money then n.paid is not null else n.sale_channel <> 'STAND' end
    ) as t;
    return null;
end;
$$;

comment on function billig.ticket_log_insert() is
'Logs every new ticket (T1, T5, T9): NORMAL_SALE, NET_SALE (and NET_PAID), RESERVATION_SALE. 23B07: of another table; 23B24: a state that no sale gives; 23B06: a payment of another transaction.';

create or replace trigger ticket_2_log_insert
after insert on billig.ticket
referencing new table as new_ticket
for each statement execute function billig.ticket_log_insert();
alter table billig.ticket enable always trigger ticket_2_log_insert;
