create or replace function marketplace.sees_all()
returns boolean
language sql stable parallel safe
return pg_has_role(session_user, 'marketplace_web', 'usage')
    or pg_has_role(session_user, 'scheduler', 'usage')
    or pg_has_role(session_user, 'bookkeeper', 'usage')
    or pg_has_role(session_user, 'auditor', 'usage')
    or pg_has_role(session_user, 'analyst', 'usage')
    or pg_has_role(session_user, 'pybridge_owner', 'usage');

comment on function marketplace.sees_all() is
'Whether who logged in (session_user) may see every profile''s rows, so far as they may read the table or view at all. Row-level security asks it, often: so it sets nothing, and becomes part of the query.';
