create or replace function marketplace.check_own_first(p_stray marketplace.stray)
returns void
language plpgsql stable
set search_path = pg_catalog, marketplace, pg_temp
as $$
declare
    v_own text;
begin
    if p_stray.kind <> 'REFUND' or p_stray.idempotency_key is not null then
        return;
    end if;
    select string_agg(s.gateway_id, ', ' order by s.made_at, s.gateway_id) into v_own
    from marketplace.stray as s
    where
        s.gateway = p_stray.gateway and s.parent = p_stray.parent and s.kind = 'REFUND' and s.idempotency_key is not null
        and s.resolution is null;
    if v_own is not null then
        raise exception 'a refund of our own of that charge goes first' using
            errcode = '23B68',
            detail = format('Refund %s of %s was made by hand; of the same charge this ledger made %s, and has forgotten it.',
                p_stray.gateway_id, p_stray.gateway, v_own),
            hint = format('pybridge payment reconcile %s takes in both: ours had its place in the charge before. Where it says that more than is left was given back, declare_foreign ours, and book_fee what it gave.', p_stray.gateway);
    end if;
end;
$$;

comment on function marketplace.check_own_first(marketplace.stray) is
'A refund made by hand is not taken in while one that this ledger made of the same charge, and has forgotten, is open: ours was within what was left of the charge, and would find its place taken. For take_in alone. 23B68 one is open.';
