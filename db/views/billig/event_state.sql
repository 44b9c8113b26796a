create or replace view billig.event_state as
select
    event,
    known_on,
    lead(known_on, 1, 'infinity') over (partition by event order by known_on) as known_until,
    event_date,
    event_type,
    is_cancelled,
    case when is_cancelled then 'infinity' else event_date end as held_on
from billig.event_date;

comment on view billig.event_state is
'How events stood (billig.event_date), with the days they stood so: from the end of known_on, before known_until. held_on: the day it is held, as known then; infinity: cancelled.';
