create or replace function billig.continue_cancellations(p_purchases int default 100)
returns table (event int, purchases_done bigint, purchases_left bigint, purchases_refused bigint)
language plpgsql security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
begin
    perform books.check_count('p_purchases', p_purchases);
    perform billig.need_read_committed();
    return query
    select e.event, r.purchases_done, r.purchases_left, r.purchases_refused
    from (
        -- by event, so that two who do this lock in one order
        select c.event
        from billig.event_change as c
        where
            c.kind = 'CANCELLED'
            and exists (select from billig.cancelled_purchase as p where p.event_change = c.event_change and p.done_at is null)
            and not exists (select from billig.event_change as l where l.event = c.event and l.event_change > c.event_change)
        order by c.event
    ) as e
    cross join lateral billig.refund_cancelled(e.event, p_purchases) as r;
end;
$$;

comment on function billig.continue_cancellations(int) is
'Gives back what is left to give back of every cancelled event, p_purchases purchases of each, as billig.refund_cancelled does: a row for each event of which some was left, what this call did, and what is left. Call it until nothing is done any more: what is left then is refused (billig.preview_cancel says why), or somebody has it in hand. Run by the job cancellations, so that a cancellation that was stopped goes on. 22023; 25000 not at read committed; 42501.';
