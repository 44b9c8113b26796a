create or replace view consistency.trigger_guard as
select p.table_name, p.trigger_name, p.problem
from deploy.trigger_problem as p;

comment on view consistency.trigger_guard is
'Every trigger stands, fires and calls what was deployed, at the moments and under the conditions it was deployed for, and is ALWAYS (a view''s own trigger cannot be); none stands beside them. Compared with what the deploy recorded when it loaded them (deploy.guard_trigger and guard_function, which only the owner can write). An owner can switch a trigger off: a row here says so. A data-only restore leaves them ordinary: run pybridge deploy, which loads again what is found here.';
