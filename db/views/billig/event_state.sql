create or replace view billig.event_state as
select
    event,
    known_on,
    event_date,
    event_type,
    is_cancelled,
    case when is_cancelled then 'infinity' else event_date end as held_on
from billig.event_date;

comment on view billig.event_state is
'How events stood (billig.event_date) from the end of known_on on: on a day the newest row that is not after it. held_on: the day it is held, as known then; infinity: cancelled.';
