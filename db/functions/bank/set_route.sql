create or replace function bank.set_route(
    p_route_name text,
    p_account int,
    p_source text,
    p_payment_method text default null,
    p_gateway text default null,
    p_days_min int default 0,
    p_days_max int default 7,
    p_fee_rate numeric default 0,
    p_tolerance numeric default 0,
    p_run_max int default 7,
    p_since date default null,
    p_organisation int default null
)
returns int
language plpgsql security definer
set search_path = pg_catalog, bank, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_method constant smallint := (
        select m.payment_method from billig.payment_method as m
        where m.payment_method_name = p_payment_method and not m.is_rounding and not m.is_held
    );
    v_organisation constant int := coalesce(
        p_organisation,
        (select r.organisation from bank.route as r where r.route_name = p_route_name),
        (select a.organisation from bank.account as a where a.account = p_account)
    );
    v_route int;
begin
    perform books.check_text(
        'p_route_name', p_route_name, 'p_source', p_source, 'p_payment_method', p_payment_method, 'p_gateway', p_gateway
    );
    perform books.check_day('p_since', p_since);
    if
        coalesce(p_route_name, '') = '' or p_source is null or p_source not in ('SESSION', 'DAY', 'PAYMENT', 'ATTEMPT')
        or (p_source = 'ATTEMPT') <> (p_gateway is not null) or (p_source = 'ATTEMPT') <> (v_method is null)
        or (p_payment_method is null) <> (v_method is null)
        or p_days_min is null or p_days_max is null or p_days_min < 0 or p_days_max < p_days_min or p_days_max > 366
        or p_fee_rate is null or p_fee_rate < 0 or p_fee_rate >= 1 or p_fee_rate <> round(p_fee_rate, 5)
        or p_tolerance is null or p_tolerance < 0 or p_tolerance >= 1e9 or p_tolerance <> round(p_tolerance, 2)
        or p_run_max is null or p_run_max not between 1 and 31
    then
        raise exception 'this is not a settlement route' using
            errcode = '22023',
            detail = format('%s: source %s, method %s, gateway %s, days %s to %s, fee %s, tolerance %s, run %s.',
                p_route_name, p_source, p_payment_method, p_gateway, p_days_min, p_days_max, p_fee_rate, p_tolerance, p_run_max),
            hint = 'SESSION, DAY or PAYMENT of a payment method, or ATTEMPT of a gateway; see bank.route.';
    end if;
    if not exists (
            select from bank.account as a
            where a.account = p_account and a.currency = 'NOK' and a.organisation = v_organisation
        )
        or p_gateway is not null and not exists (select from marketplace.gateway as g where g.gateway = p_gateway)
    then
        raise exception 'there is no such account in NOK of the organisation, or no such gateway' using
            errcode = 'P0002',
            detail = format('Account %s, gateway %s, organisation %s.', p_account, p_gateway, v_organisation),
            hint = 'Money arrives on an account of whose it is: see bank.account and marketplace.gateway.';
    end if;
    insert into bank.route as r (
        route_name, account, source, payment_method, gateway, days_min, days_max, fee_rate, tolerance, run_max, since,
        organisation
    )
    values (
        p_route_name, p_account, p_source, v_method, p_gateway, p_days_min, p_days_max, p_fee_rate, p_tolerance, p_run_max,
        p_since, v_organisation
    )
    on conflict (route_name) do update
    set
        account = excluded.account, days_min = excluded.days_min, days_max = excluded.days_max,
        fee_rate = excluded.fee_rate, tolerance = excluded.tolerance, run_max = excluded.run_max, since = excluded.since
    where
        (r.source, r.payment_method, r.gateway, r.organisation)
        is not distinct from (excluded.source, excluded.payment_method, excluded.gateway, excluded.organisation)
    returning r.route into v_route;
    if v_route is null then
        raise exception 'settlement route % is for something else', p_route_name using
            errcode = '22023',
            detail = format('Source %s, method %s, gateway %s, organisation %s were asked for.',
                p_source, p_payment_method, p_gateway, v_organisation),
            hint = 'What a route is for stays as it is; days, fee, tolerance and account may change.';
    end if;
    return v_route;
exception
    when unique_violation then
        raise exception 'another settlement route takes this money' using
            errcode = '22023',
            detail = format('Method %s, gateway %s, organisation %s.', p_payment_method, p_gateway, v_organisation),
            hint = 'One route per method and organisation, and one per gateway: see bank.route.';
end;
$$;

comment on function bank.set_route(text, int, text, text, text, int, int, numeric, numeric, int, date, int) is
'Adds a settlement route, or changes days, fee, tolerance, run, account and first day of the one of that name; returns its key. p_organisation: whose money comes by it (null: as it was; of a new one, the organisation whose account it is): the account is that one''s. What is expected already stays as it is. 22023; P0002 no such account in NOK of the organisation, or no such gateway.';
