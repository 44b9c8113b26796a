create or replace function billig.payment_keep()
returns trigger
language plpgsql
set search_path = pg_catalog, billig, pg_temp
as $$
begin
    raise exception 'records of money are never changed' using
        errcode = '23B20',
        detail = format('%s on %I.%I.', tg_op, tg_table_schema, tg_table_name),
        hint = 'Correct it with something new: a refund, a sale, a till session.';
end;
$$;

comment on function billig.payment_keep() is
'Refuses UPDATE, DELETE and TRUNCATE of what only grows: payments, their lines (DELETE and TRUNCATE), exchanges and what they are paid with, prints of receipts, re-entries, names that were sold under (UPDATE and TRUNCATE), and all that tills record (23B20).';

create or replace function billig.payment_line_keep()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
declare
    v_payment bigint;
begin
    -- A scalar subquery, so that the plan, kept for the session, looks single payments up: it must hold for one line too.
    select l.payment into v_payment
    from new_line as l
    where (select true from billig.own_payment as p where p.payment = l.payment) is null
    limit 1;
    if found then
        raise exception 'the lines of a payment are written with it' using
            errcode = '23B20',
            detail = format('Payment %s.', v_payment),
            hint = 'Refund or sell: that makes a payment of its own.';
    end if;
    return null;
end;
$$;

comment on function billig.payment_line_keep() is
'Lines are written in the transaction that makes their payment; later ones are refused (23B20).';

create or replace function billig.payment_line_keep_update()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
begin
    if
        not exists (select from billig.own_payment as p where p.payment = new.payment)
        or (new.payment, new.payment_method, new.line, new.organisation, new.gives_back, new.gives_back_method)
        is distinct from
        (old.payment, old.payment_method, old.line, old.organisation, old.gives_back, old.gives_back_method)
    then
        raise exception 'the lines of a payment are written with it' using
            errcode = '23B20',
            detail = format('Payment %s.', new.payment),
            hint = 'Refund or sell: that makes a payment of its own.';
    end if;
    return null;
end;
$$;

comment on function billig.payment_line_keep_update() is
'Lines change in the transaction that makes their payment, and by amount alone; else refused (23B20).';

create or replace function billig.payment_line_place()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
begin
    if new.payment_method = (select m.payment_method from billig.payment_method as m where m.is_held) then
        return new; -- whoever uses part payments knows where each lies
    end if;
    select
        coalesce(
            case
                -- a dispute, what the web's provider gives back, and what goes back over no stand, lies where what it
                -- gives back does, whoever sends it
                when p.disputed_payment is not null or o.payment is not null and p.cash_point is null
                    or billig.is_web_payment(o.payment, o.seller, o.cash_point) and not m.is_cash
                    and not (m.is_rounding and c.organisation is not null)
                    then coalesce(
                        (
                            select u.organisation
                            from billig.part_payment as u
                            where u.payment = new.gives_back and u.payment_method = new.gives_back_method
                        ),
                        (
                            select l.organisation
                            from billig.payment_line as l
                            where l.payment = new.gives_back and l.gives_back is null
                            order by l.payment_method = new.gives_back_method desc, l.payment_method
                            limit 1
                        )
                    )
                -- the web's own method is no terminal's
                when m.is_cash or m.is_rounding or n.sale_channel is null then c.organisation
            end,
            m.organisation
        )
    into new.organisation
    from billig.payment as p
    inner join billig.payment_method as m on m.payment_method = new.payment_method
    left join billig.payment as o on o.payment = new.gives_back
    left join billig.sale_channel as n on m.payment_method = n.payment_method and n.sale_channel = 'NET'
    left join lateral (
        select coalesce(s.organisation, k.organisation) as organisation
        from billig.cash_point as k
        left join billig.till_session as s on p.till_session = s.till_session
        where k.cash_point = p.cash_point
    ) as c on true
    where p.payment = new.payment;
    return new;
end;
$$;

comment on function billig.payment_line_place() is
'Says in whose money a line is, whoever''s the tickets are: of a dispute, where the payment lies that it is about; of a till session, or else of a cash point, its organisation; at none, the method''s (billig.payment_method). The web''s own method is no terminal''s, so it goes by the agreement everywhere; what was paid on the web goes back where it lies, unless in cash, and so does all that goes back over no stand.';

create or replace function billig.owed_back_place()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
begin
    new.organisation := (select m.organisation from billig.payment_method as m where m.payment_method = new.payment_method);
    return new;
end;
$$;

comment on function billig.owed_back_place() is 'Money that came too late lies where the web''s money by that method does: that organisation owes it.';

create or replace function billig.count_given_back(p_payments bigint[], p_methods smallint[])
returns void
language plpgsql
set search_path = pg_catalog, billig, pg_temp
as $$
begin
    perform billig.lock_given_back(p_payments);
    -- Locked, then counted, in a statement of its own: it sees what whoever held the lock has committed.
    update billig.given_back as g
    set took = n.took, cash_took = n.cash_took, amount = n.amount, cash_amount = n.cash_amount
    from (
        select
            k.payment, k.method,
            coalesce(sum(l.amount) filter (where l.gives_back is null), 0) + coalesce((
                select u.amount
                from billig.part_payment as u
                where u.payment = k.payment and u.payment_method = k.method
            ), 0) as took,
            coalesce(sum(l.amount) filter (where l.gives_back is null and m.is_cash), 0) as cash_took,
            -coalesce(sum(l.amount) filter (where l.gives_back is not null), 0) as amount,
            -coalesce(sum(l.amount) filter (where l.gives_back is not null and m.is_cash and c.is_cash), 0) as cash_amount
        from (select distinct * from unnest(p_payments, p_methods)) as k (payment, method)
        inner join billig.payment_method as c on k.method = c.payment_method
        inner join billig.payment_line as l
            on
                l.gives_back = k.payment and l.gives_back_method = k.method
                or l.payment = k.payment and l.gives_back is null
        inner join billig.payment_method as m on l.payment_method = m.payment_method
        where l.gives_back is not null or m.payment_method = k.method or m.is_rounding and c.is_cash
        group by k.payment, k.method
    ) as n
    where g.payment = n.payment and g.payment_method = n.method;
    if exists (
        select from unnest(p_payments, p_methods) as k (payment, method)
        where not exists (
            select from billig.given_back as g where g.payment = k.payment and g.payment_method = k.method
        )
    ) then
        raise exception 'a payment gives back what another did not take' using
            errcode = '23B31',
            detail = format('Payments %s, by methods %s.', p_payments, p_methods),
            hint = 'Name the payment that took the money, and its method. Use the functions: they do.';
    end if;
end;
$$;

comment on function billig.count_given_back(bigint[], smallint[]) is
'Counts anew what was given back of payments, by method (billig.given_back). given_back_limit_check and given_back_cash_check refuse more than came in; 23B31: nothing came in by it.';

create or replace function billig.payment_line_given_back()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
declare
    v_payments bigint[];
    v_methods smallint[];
begin
    select array_agg(l.gives_back), array_agg(l.gives_back_method)
    into v_payments, v_methods
    from new_line as l
    where l.gives_back is not null;
    if v_payments is not null then
        perform billig.count_given_back(v_payments, v_methods);
    end if;
    if tg_op = 'UPDATE' then -- what had been given back of them already, in the same transaction
        select array_agg(g.payment), array_agg(g.payment_method)
        into v_payments, v_methods
        from billig.given_back as g
        where g.payment in (select l.payment from new_line as l where l.gives_back is null);
        if v_payments is not null then
            perform billig.count_given_back(v_payments, v_methods);
        end if;
    end if;
    return null;
end;
$$;

comment on function billig.payment_line_given_back() is 'Keeps billig.given_back, whoever writes lines.';

create or replace function billig.payment_balance()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
declare
    v_excess numeric;
begin
    select sum(b.amount) into v_excess
    from (
        select l.amount
        from billig.payment_line as l
        where l.payment = new.payment
        union all
        select -t.amount - t.fee_amount
        from billig.transaction_log as t
        where t.payment = new.payment
    ) as b;
    if v_excess <> 0 then
        raise exception 'a payment must sum to its log rows' using
            errcode = '23B14',
            detail = format('Payment %s: its lines sum to NOK %s more than its log rows.', new.payment, v_excess),
            hint = 'Nothing was saved. Use the functions: they keep both.';
    end if;
    return null;
end;
$$;

comment on function billig.payment_balance() is
'At commit: the log rows of a payment sum to its lines (23B14). Asked by every new line and by the first log row of a payment in each statement.';

create or replace function billig.payment_rounding()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
as $$
declare
    v_gained constant numeric := billig.rounding_gained(array[new.payment]);
begin
    if v_gained > 0.50 then
        raise exception 'cash is rounded in the buyer''s favour more than once' using
            errcode = '23B06',
            detail = format('Payment %s: by the rounding of cash so far, buyers of the same purchases gain NOK %s.',
                new.payment, v_gained),
            hint = 'Let the part in cash be whole kroner, or name another method than cash.';
    end if;
    return null;
end;
$$;

comment on function billig.payment_rounding() is
'At commit: by the rounding of cash the buyers of all that is one whole (billig.tied_payments) gain 50 øre at most, however many payments (23B06): else a few øre at a time would be worth a krone each. What goes back is rounded for the whole (billig.hand_out), so it is what comes in that is refused. Asked by a line that rounds in their favour.';

create or replace trigger payment_keep
before update or delete or truncate on billig.payment
for each statement execute function billig.payment_keep();
alter table billig.payment enable always trigger payment_keep;

create or replace trigger exchange_keep
before update or delete or truncate on billig.exchange
for each statement execute function billig.payment_keep();
alter table billig.exchange enable always trigger exchange_keep;

create or replace trigger exchange_source_keep
before update or delete or truncate on billig.exchange_source
for each statement execute function billig.payment_keep();
alter table billig.exchange_source enable always trigger exchange_source_keep;

create or replace trigger dispute_keep
before update or delete or truncate on billig.dispute
for each statement execute function billig.payment_keep();
alter table billig.dispute enable always trigger dispute_keep;

create or replace trigger dispute_verdict_keep
before update or delete or truncate on billig.dispute_verdict
for each statement execute function billig.payment_keep();
alter table billig.dispute_verdict enable always trigger dispute_verdict_keep;

create or replace trigger dispute_loss_keep
before delete or truncate on billig.dispute_loss
for each statement execute function billig.payment_keep();
alter table billig.dispute_loss enable always trigger dispute_loss_keep;

-- Column by column: rows compared as one are written otherwise by a dump.
create or replace trigger dispute_loss_won
before update on billig.dispute_loss
-- One by one: rows that are compared are kept otherwise than a dump of them is read.
for each row when (
    old.won_at is not null or new.won_at is null
    or old.dispute_loss is distinct from new.dispute_loss
    or old.dispute_reference is distinct from new.dispute_reference
    or old.disputed_payment is distinct from new.disputed_payment
    or old.payment_method is distinct from new.payment_method
    or old.organisation is distinct from new.organisation
    or old.amount is distinct from new.amount
    or old.fee is distinct from new.fee
    or old.reason is distinct from new.reason
    or old.recorded_at is distinct from new.recorded_at
    or old.recorded_by is distinct from new.recorded_by
)
execute function billig.payment_keep();
alter table billig.dispute_loss enable always trigger dispute_loss_won;

create or replace trigger receipt_print_keep
before update or delete or truncate on billig.receipt_print
for each statement execute function billig.payment_keep();
alter table billig.receipt_print enable always trigger receipt_print_keep;

create or replace trigger owed_back_part_keep
before update or delete or truncate on billig.owed_back_part
for each statement execute function billig.payment_keep();
alter table billig.owed_back_part enable always trigger owed_back_part_keep;

create or replace trigger reentry_keep
before update or delete or truncate on billig.reentry
for each statement execute function billig.payment_keep();
alter table billig.reentry enable always trigger reentry_keep;

create or replace trigger payment_line_place
before insert on billig.payment_line
for each row execute function billig.payment_line_place();
alter table billig.payment_line enable always trigger payment_line_place;

create or replace trigger owed_back_place
before insert on billig.owed_back
for each row execute function billig.owed_back_place();
alter table billig.owed_back enable always trigger owed_back_place;

create or replace trigger payment_line_delete
before delete or truncate on billig.payment_line
for each statement execute function billig.payment_keep();
alter table billig.payment_line enable always trigger payment_line_delete;

create or replace trigger payment_line_keep
after insert on billig.payment_line
referencing new table as new_line
for each statement execute function billig.payment_line_keep();
alter table billig.payment_line enable always trigger payment_line_keep;

create or replace trigger payment_line_keep_update
after update on billig.payment_line
for each row execute function billig.payment_line_keep_update();
alter table billig.payment_line enable always trigger payment_line_keep_update;

create or replace trigger payment_line_given_back
after insert on billig.payment_line
referencing new table as new_line
for each statement execute function billig.payment_line_given_back();
alter table billig.payment_line enable always trigger payment_line_given_back;

create or replace trigger payment_line_given_back_update
after update on billig.payment_line
referencing new table as new_line
for each statement execute function billig.payment_line_given_back();
alter table billig.payment_line enable always trigger payment_line_given_back_update;

-- Constraint triggers cannot be replaced, so they are made once, here, if they are missing.
do $$
begin
    if not exists (
        select from pg_trigger
        where tgname = 'payment_line_balance' and tgrelid = 'billig.payment_line'::regclass
    ) then
        create constraint trigger payment_line_balance
        after insert or update on billig.payment_line
        deferrable initially deferred
        for each row execute function billig.payment_balance();
    end if;
    if not exists (
        select from pg_trigger
        where tgname = 'transaction_log_balance' and tgrelid = 'billig.transaction_log'::regclass
    ) then
        create constraint trigger transaction_log_balance
        after insert on billig.transaction_log
        deferrable initially deferred
        for each row when (new.first_of_payment)
        execute function billig.payment_balance();
    end if;
    if not exists (
        select from pg_trigger
        where tgname = 'payment_line_rounding' and tgrelid = 'billig.payment_line'::regclass
    ) then
        create constraint trigger payment_line_rounding
        after insert or update on billig.payment_line
        deferrable initially deferred
        for each row when (new.payment_method = 9 and new.amount > 0) -- ROUNDING, as in payment_line_rounding_check
        execute function billig.payment_rounding();
    end if;
end;
$$;
alter table billig.payment_line enable always trigger payment_line_balance;
alter table billig.payment_line enable always trigger payment_line_rounding;
alter table billig.transaction_log enable always trigger transaction_log_balance;
