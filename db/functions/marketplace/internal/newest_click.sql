create or replace function marketplace.newest_click(p_now timestamptz)
returns timestamptz
language sql stable parallel safe
begin atomic
    select p_now + w.ahead from marketplace.click_window as w;
end;

comment on function marketplace.newest_click(timestamptz) is
'How far ahead of now a click''s time may be (marketplace.click_window).';
