create or replace function billig.change_event(
    p_event int, p_kind text, p_reason text, p_event_time timestamp default null
)
returns bigint
language sql security definer
set search_path = pg_catalog, billig, pg_temp
begin atomic
    select billig.record_event_change(p_event, p_kind, p_event_time, p_reason);
end;

comment on function billig.change_event(int, text, text, timestamp) is
'Says that an event is CANCELLED, or MOVED to another time (p_event_time, local), and why. From today on prepaid tickets of a cancelled event do not become revenue, and those of a moved one do on its new day. A cancelled event that is moved is to be held again. Tickets and money stay as they are: refund them. Returns the row of billig.event_change. 22023: no kind, no reason, or a time that does not go with the kind; P0002: no such event; 23B52: it stands so already. May be null: p_event_time.';
