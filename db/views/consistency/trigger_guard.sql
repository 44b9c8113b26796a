create or replace view consistency.trigger_guard as
select p.table_name, p.trigger_name, p.problem
from deploy.trigger_problem as p
union all
select
    case when h.hangs then split_part(p.thing, ' ', 1) else p.thing end,
    case when h.hangs then p.kind || substr(p.thing, strpos(p.thing, ' ')) else p.kind end,
    p.problem
from deploy.thing_problem as p
cross join lateral (select p.kind not in ('function', 'view', 'table') as hangs) as h
-- Restored, and not deployed yet: what was parsed anew may be written otherwise. era_is_current says so.
where not exists (select from consistency.era_is_current);

comment on view consistency.trigger_guard is
'Every trigger stands, fires and calls what was deployed, at the moments and under the conditions it was deployed for, and is ALWAYS (a view''s own trigger cannot be); none stands beside them. So do functions, views, policies, constraints and columns, and no rule, child, subscription or publication hangs on a table: trigger_name then says of what kind it is. Compared with what the deploy recorded when it loaded them (deploy.guard_trigger, guard_function and guard_thing, which only the owner can write). An owner can switch a trigger off, or hang a rule on a table: a row here says so. A data-only restore leaves triggers ordinary: run pybridge deploy, which loads again what is found here and has a file.';
