create or replace function marketplace.run_figures(p_update_run bigint)
returns table (month date, update_run bigint, new_clicks bigint, late_clicks bigint, transactions bigint)
language sql stable
set search_path = pg_catalog, marketplace, pg_temp
begin atomic
    select
        r.month, r.update_run,
        coalesce(sum(s.advertisement_clicks), 0)::bigint,
        (select count(*) from marketplace.late_click as l where l.update_run = r.update_run),
        count(s.transaction)
    from marketplace.update_run as r
    left join marketplace.transaction_subtotal as s on r.update_run = s.update_run
    where r.update_run = p_update_run
    group by r.month, r.update_run;
end;

comment on function marketplace.run_figures(bigint) is
'What a run did: clicks it linked (late ones among them), and transactions it changed.';
