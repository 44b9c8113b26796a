create or replace function marketplace.sees_all()
returns boolean
language sql stable parallel safe
return pg_has_role(session_user, 'marketplace_web', 'member')
    or pg_has_role(session_user, 'scheduler', 'member')
    or pg_has_role(session_user, 'bookkeeper', 'member')
    or pg_has_role(session_user, 'auditor', 'member')
    or pg_has_role(session_user, 'analyst', 'member')
    or pg_has_role(session_user, 'pybridge_owner', 'member');

comment on function marketplace.sees_all() is
'Whether who logged in (session_user) may see every profile''s rows, so far as they may read the table or view at all. A member is asked for, not who has the rights at once: who takes them by SET ROLE must not run a month, or verify it, without seeing it. Row-level security asks it, often: so it sets nothing, and becomes part of the query.';
