create or replace function bank.check_payout()
returns void
language plpgsql
-- The file_ tables are the temporary ones: begin_import made them, load_payout looked.
set search_path = pg_catalog, pg_temp, bank
as $$
declare
    r record;
begin
    select x.line, x.problem into r
    from (
        select
            p.line,
            case
                when p.payout_id = '' or length(p.payout_id) > 140 then 'a payout without a name'
                when count(*) over (partition by p.payout_id) > 1 then format('payout %s is in it twice', p.payout_id)
                when l.currencies > 1 or p.currency <> l.currency then format('payout %s is in more than one currency', p.payout_id)
                when coalesce(l.lines, 0) = 0 then format('payout %s has no lines', p.payout_id)
                when p.net <> round(p.net, 2) or abs(p.net) >= 1e12 then format('no amount: %s', p.net)
                when l.size >= 1e12 then format('the lines of payout %s are beyond all measure', p.payout_id)
                when p.net <> l.net
                    then format('the lines of payout %s are %s, not %s as it says', p.payout_id, l.net, p.net)
            end as problem
        from file_payout as p
        left join (
            select f.payout, count(*) as lines, sum(f.net) as net, min(f.currency) as currency, count(distinct f.currency) as currencies,
                greatest(sum(abs(f.gross)), sum(abs(f.fee)), sum(abs(f.net))) as size
            from file_payout_line as f
            group by f.payout
        ) as l on p.payout = l.payout
        union all
        select
            f.line,
            case
                when f.currency <> 'NOK' then format('an amount in %s', left(f.currency, 20))
                when f.gross <> round(f.gross, 2) or f.fee <> round(f.fee, 2) or f.net <> round(f.net, 2)
                    then 'an amount of more than two decimals'
                when greatest(abs(f.gross), abs(f.fee), abs(f.net)) >= 1e12 then 'an amount beyond all measure'
                when f.gross - f.fee <> f.net
                    then format('gross %s less fee %s are %s, not net %s', f.gross, f.fee, f.gross - f.fee, f.net)
                when f.kind not in ('PAYMENT', 'REFUND', 'FEE', 'DISPUTE', 'ADJUSTMENT') then format('no kind: %s', left(f.kind, 40))
                when f.kind = 'PAYMENT' and f.gross <= 0 or f.kind = 'REFUND' and f.gross >= 0 or f.kind = 'FEE' and f.gross <> 0 or f.kind = 'DISPUTE' and f.gross = 0
                    then format('a %s of gross %s', lower(f.kind), f.gross)
            end
        from file_payout_line as f
    ) as x
    where x.problem is not null
    order by x.line
    limit 1;
    if found then
        raise exception 'the report is refused: %', r.problem using
            errcode = '23B87',
            detail = format('Line %s.', r.line),
            hint = 'Nothing of it was loaded. Fetch it again, whole payouts, in NOK; or ask the acquirer.';
    end if;
end;
$$;

comment on function bank.check_payout() is
'Refuses what the temporary tables of begin_import hold where amounts are missing or not in NOK, or lines do not add up, each by itself and all to what was paid (23B87); DETAIL says the line.';
