create or replace function marketplace.record_account(
    p_gateway text, p_account text, p_is_restricted boolean, p_needs text [], p_needed_by timestamptz default null,
    p_said_at timestamptz default null, p_now timestamptz default null
)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, marketplace, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_recorded bigint;
begin
    perform books.check_text('p_gateway', p_gateway, 'p_account', p_account);
    perform books.check_moment('p_needed_by', p_needed_by);
    perform books.check_moment('p_said_at', p_said_at);
    p_now := jobs.server_time(p_now);
    if p_is_restricted is null or coalesce(p_account, '') = '' then
        raise exception 'how an account stands needs an account, and whether it is restricted' using
            errcode = '22023',
            detail = format('Gateway %L, account %L.', p_gateway, p_account),
            hint = 'The account is what the gateway calls it, such as acct_...';
    end if;
    insert into marketplace.means_status (payment_means, is_restricted, needs, needed_by, said_at, heard_at)
    select
        m.payment_means, p_is_restricted, coalesce(books.list('p_needs', p_needs), '{}'), p_needed_by,
        coalesce(p_said_at, p_now), p_now
    from marketplace.payment_means as m
    where m.gateway = p_gateway and m.kind = 'PAYOUT' and m.ended_at is null and m.details ->> 'destination' = p_account;
    get diagnostics v_recorded = row_count;
    return v_recorded;
end;
$$;

comment on function marketplace.record_account(text, text, boolean, text [], timestamptz, timestamptz, timestamptz) is
'A gateway says how an account stands that people are paid to (what it calls it: destination): whether it is restricted, what it wants to know of its owner and until when. p_said_at: its own time, null: now; what is older than what is known changes nothing. To an account that is restricted nothing is sent (hold RESTRICTED), and its owner is told so. How many profiles are paid to it, 0: none of ours. 22023. May be null: p_needs, p_needed_by, p_said_at.';
