create or replace view marketplace.fund as
select
    sum(p.came_in)::bigint as came_in,
    sum(p.committed)::bigint as committed,
    sum(p.came_back)::bigint as came_back,
    sum(p.withdrawn)::bigint as withdrawn,
    sum(p.reserve)::bigint as reserve,
    sum(p.available)::bigint as available
from marketplace.purse as p;

comment on view marketplace.fund is
'All purses together, in øre: what payouts and refunds are made from. Each is paid from its own purse alone.';
