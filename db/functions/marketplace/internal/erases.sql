create or replace function marketplace.erases(p_old jsonb, p_new jsonb)
returns boolean
language sql stable
set search_path = pg_catalog, marketplace, pg_temp
return exists (
    select from marketplace.profile as p
    where
        p.erased_at is not null
        and (
            p.profile in ((p_new ->> 'profile')::bigint, (p_new ->> 'from_profile')::bigint)
            or p.profile in (
                select a.profile from marketplace.payment_attempt as a
                where a.payment_attempt = (p_new ->> 'payment_attempt')::bigint
                union all
                select a.profile from marketplace.advertisement as a
                where a.advertisement = (p_new ->> 'advertisement')::bigint
                union all
                select w.profile from marketplace.website as w
                where w.website = (p_new ->> 'website')::bigint
            )
        )
)
and not exists (
    select from jsonb_each(p_new) as n (name, value)
    where
        n.value is distinct from p_old -> n.name
        and not case
            when n.name in ('details', 'party') then n.value in ('{}', 'null')
            when n.name = 'request'
                then n.value - array['metadata', 'description', 'refunds'] = '{}' and p_old -> n.name @> n.value
            -- generated: a trigger before the row has none yet
            when n.name in ('left_amount', 'net_amount', 'undone_amount', 'came_back') then true
            -- a step of the attempt, which is written down
            when n.name in ('event', 'from_state', 'changed_at') then p_new ->> 'event' = 'erased'
            else n.name = any (marketplace.words_of_people()) and (n.value = 'null' or n.value::text like '%[erased]%')
        end
);

comment on function marketplace.erases(jsonb, jsonb) is
'Whether a change of a row that is never changed, old and new, does nothing but erase somebody who was erased (erase_profile): their means of payment, what a gateway was asked with them, and their name in what people and gateways wrote. For the triggers that keep such rows.';
