create or replace function bank.disputed_parts()
returns table (
    entry bigint, detail int, dispute_reference text, amount numeric, fee numeric, named text[], recorded text
)
language plpgsql stable
as $$
#variable_conflict use_column
declare
    v_entries bigint[];
begin
    -- Few, and mostly none: then no payment is looked at.
    select array_agg(e.entry) into v_entries
    from bank.open_entry as e
    inner join bank.entry as b on e.entry = b.entry
    where
        e.amount < 0 and e.amount = e.whole and e.currency = 'NOK' and not e.is_reversal
        and (
            -- of one payment the code may be the payment's
            bank.is_unpaid_card(b.code, case when b.more ? 'BkTxCd' then b.more else (
                select d.more from bank.entry_detail as d where d.entry = e.entry order by d.detail limit 1
            ) end)
            or exists (
                select from bank.entry_detail as d
                where d.entry = e.entry and bank.is_unpaid_card(d.more #>> '{BkTxCd,Domn,Fmly,SubFmlyCd}', d.more)
            )
        );
    if v_entries is null then
        return;
    end if;
    -- Of what may be a payout its report tells.
    select array_agg(x.entry) into v_entries
    from unnest(v_entries) as x (entry)
    where not exists (select from bank.payout_entry as p where p.entry = x.entry);
    return query
    with part as materialized (
        select
            e.entry, coalesce(d.detail, 0) as detail, e.booked_on,
            case when d.entry is null then e.amount else d.amount end as amount,
            case when d.entry is null then e.charge else d.charge end as charge,
            bank.dispute_name(e.entry, coalesce(d.detail, 0)) as dispute_reference
        from bank.entry as e
        left join bank.entry_detail as d
            on
                e.entry = d.entry
                and exists (select from bank.entry_detail as o where o.entry = d.entry and o.detail <> d.detail)
        where
            e.entry = any(v_entries)
            -- of several each by its own code, or else by that of the entry
            and (
                case
                    when d.more #> '{BkTxCd,Domn}' is not null
                        then bank.is_unpaid_card(d.more #>> '{BkTxCd,Domn,Fmly,SubFmlyCd}', d.more)
                    else d.entry is null or bank.is_unpaid_card(e.code, e.more)
                end
            )
    ),

    name as materialized (
        select distinct p.entry, p.detail, n.name
        from part as p
        inner join bank.entry_name as n on p.entry = n.entry and p.detail in (0, n.detail)
        where n.kind <> 'BANK'
    ),

    payment as materialized (
        select n.entry, n.detail, q.provider_reference, q.kind
        from billig.payment as q
        inner join name as n on bank.reference_key(q.provider_reference) = n.name
        where q.provider_reference is not null
    )

    select
        p.entry, p.detail, p.dispute_reference, -(p.amount + p.charge), p.charge,
        coalesce((
            select array_agg(q.provider_reference::text order by q.provider_reference)
            from payment as q
            where q.entry = p.entry and q.detail = p.detail and q.kind in ('SALE', 'EXCHANGE', 'CHANGE')
        ), '{}'),
        coalesce(
            (
                select c.provider_reference::text
                from billig.payment as c
                where c.provider_reference = p.dispute_reference and c.kind = 'CHARGEBACK'
            ),
            (
                select o.settled_reference::text
                from billig.owed_back as o
                where o.settled_reference = p.dispute_reference
            ),
            -- a dispute that it calls by its own name
            (
                select min(q.provider_reference)
                from payment as q
                where q.entry = p.entry and q.detail = p.detail and q.kind = 'CHARGEBACK'
            )
        )
    from part as p
    order by p.booked_on, p.entry, p.detail;
end;
$$;

comment on function bank.disputed_parts() is
'The open outgoing entries whose code says that a card payment was taken back (bank.is_unpaid_card), or the payments in them, which are no payout''s: dispute_reference (bank.dispute_name), amount, NOK, positive, that was taken of the payment, fee that was taken with it, named: the provider''s references of ticket payments that it names, recorded: the dispute that was recorded of it; null: none. For record_disputes and match_open alone.';
