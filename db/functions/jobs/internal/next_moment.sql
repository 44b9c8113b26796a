create or replace function jobs.next_moment(p_every interval, p_at_time time, p_after timestamptz)
returns timestamptz
language sql immutable parallel safe
begin atomic
    select
        case
            when p_every is not null
                then date_bin(p_every, p_after, timestamptz '2000-01-01 00:00:00+00') + p_every
            when jobs.moment(l.day, p_at_time) > p_after then jobs.moment(l.day, p_at_time)
            else jobs.moment(l.day + 1, p_at_time)
        end
    from (select (p_after at time zone books.time_zone())::date as day) as l;
end;

comment on function jobs.next_moment(interval, time, timestamptz) is
'The first moment after p_after that is a multiple of p_every or, where that is null, has the local time p_at_time.';
