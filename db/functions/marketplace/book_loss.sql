create or replace function marketplace.book_loss(
    p_payment_attempt bigint,
    p_amount numeric,
    p_reason text,
    p_now timestamptz default null,
    p_dispute text default null
)
returns numeric
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_attempt marketplace.payment_attempt;
    v_lost bigint;
    v_beyond bigint;
    v_open jsonb;
    v_several boolean;
begin
    perform books.check_text('p_reason', p_reason, 'p_dispute', p_dispute);
    p_now := jobs.server_time(p_now);
    v_attempt := marketplace.lock_attempt(p_payment_attempt, p_reason);
    if p_amount is null or p_amount <= 0 or p_amount <> trunc(p_amount, 2) or p_amount * 100 > v_attempt.amount then
        raise exception 'a loss is at most what was charged' using
            errcode = '22023',
            detail = format('Charged NOK %s, lost NOK %s.', round(v_attempt.amount / 100.0, 2), p_amount),
            hint = 'NOK above 0, at most two decimals; a fee of the gateway is booked by book_fee.';
    end if;
    v_lost := p_amount * 100;
    v_beyond := marketplace.taken_beyond(p_payment_attempt);
    if v_attempt.alarm is distinct from 'disputed' or v_attempt.disputed + v_beyond < v_lost then
        raise exception 'not so much of this attempt is disputed' using
            errcode = '23B75',
            detail = format('Attempt %s: %s, %s, alarm %s, in dispute NOK %s.',
                p_payment_attempt, v_attempt.kind, v_attempt.state, coalesce(v_attempt.alarm, 'none'),
                round((v_attempt.disputed + v_beyond) / 100.0, 2)),
            hint = 'A dispute comes as an event, and raises an alarm on the attempt that charged.';
    end if;
    select jsonb_object_agg(o.dispute, o.amount), count(*) > 1 or sum(o.amount) < v_attempt.disputed + v_beyond
    into v_open, v_several
    from marketplace.open_dispute(p_payment_attempt) as o;
    if not v_several then
        p_dispute := coalesce(p_dispute, (select o.dispute from marketplace.open_dispute(p_payment_attempt) as o));
    end if;
    if v_several and p_dispute is null or p_dispute is not null and not v_lost <= coalesce((v_open ->> p_dispute)::bigint, 0) then
        raise exception 'which dispute is lost, and of how much, is to be said' using
            errcode = '23B75',
            detail = format('Attempt %s: NOK %s are lost of %s; open are %s.', p_payment_attempt, p_amount, coalesce(p_dispute, 'one'), (
                select coalesce(string_agg(
                    format('%s of NOK %s', o.key, round(o.value::bigint / 100.0, 2)), ', ' order by o.key
                ), 'none')
                from jsonb_each_text(v_open) as o
            )),
            hint = 'Name it in p_dispute, by the gateway''s number, and at most what the gateway took in it.';
    end if;
    perform marketplace.lose_charge(v_attempt, v_lost, coalesce(v_several, false), null, p_reason, p_now);
    -- Decided from now on, as if the gateway had said so; when it does, it is not booked once more.
    insert into marketplace.gateway_event (
        gateway, event_id, event_kind, answer, payment_attempt, outcome, gateway_id, amount, currency, dispute, received_at
    )
    select
        v_attempt.gateway, format('book_loss %s %s', p_payment_attempt, p_dispute), 'book_loss', 'lost', p_payment_attempt, 'APPLIED',
        v_attempt.gateway_id, v_lost, v_attempt.currency, p_dispute, p_now
    where p_dispute is not null;
    return (
        select round(p.available / 100.0, 2) from marketplace.purse as p where p.purse = v_attempt.purse
    );
end;
$$;

comment on function marketplace.book_loss(bigint, numeric, text, timestamptz, text) is
'A charge was disputed, and p_amount NOK of it are lost: the operator''s loss. It left the purse when the gateway took it; what was in dispute beyond it was won, and is in the purse again, unless the gateway has named several disputes, of which p_dispute must say which: then the rest goes on. The alarm is cleared, unless a refund of the same money is still to be sent (given_back: call_off_refund); what the purse has then, below 0 if it was paid out already. The transaction stays EXECUTED; what is lost is not left of the charge. 22023; P0002 no such attempt; 23B75 not so much is in dispute, or in that one, or it is not said in which. May be null: p_dispute.';
