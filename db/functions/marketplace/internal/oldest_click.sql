create or replace function marketplace.oldest_click(p_now timestamptz)
returns timestamptz
language sql stable parallel safe
begin atomic
    select p_now - w.oldest from marketplace.click_window as w;
end;

comment on function marketplace.oldest_click(timestamptz) is
'How old a click may be that is recorded late, and how long what it was called in a file is remembered (marketplace.click_window).';
