create or replace function billig.check_programme(p_rows jsonb)
returns table (line int, column_name text, value text, reason text, is_warning boolean)
language sql stable security definer
set search_path = pg_catalog, billig, pg_temp
set datestyle = 'ISO, MDY'
begin atomic
    -- Longer than other functions: one rule after the other, and no two of them need each other.
    with cell as materialized (
        select c.*, c.raw is null or c.value is not null as is_valid
        from billig.programme_cells(p_rows) as c
    ),

    item as materialized (
        select i.* from billig.programme_items(p_rows) as i
    ),

    -- What an event will be: what the file says, else what stands.
    event as (
        select
            i.line,
            i.scope_key,
            i.item,
            (i.item ->> 'event_time')::timestamp::date as event_date,
            case when i.item ? 'sale_from' then (i.item ->> 'sale_from')::timestamp else e.sale_from end as sale_from,
            case when i.item ? 'sale_to' then (i.item ->> 'sale_to')::timestamp else e.sale_to end as sale_to,
            case when i.item ? 'project' then i.item ->> 'project' else e.project::text end as project,
            case when i.item ? 'vat_code' then i.item ->> 'vat_code' else e.vat_code::text end as vat_code,
            case when i.item ? 'ticket_fee' then i.item ->> 'ticket_fee' else e.ticket_fee::text end as ticket_fee,
            case
                when i.item ? 'ticket_fee_vat_code' then i.item ->> 'ticket_fee_vat_code'
                else e.ticket_fee_vat_code::text
            end as fee_vat_code,
            case
                when i.item ? 'ticket_fee_vat_source' then i.item ->> 'ticket_fee_vat_source'
                else e.ticket_fee_vat_source
            end as fee_vat_source
        from item as i
        left join billig.event as e on i.scope_key[1] = e.programme_key
        where i.scope = 'event'
    ),

    -- What its tickets will be sold as: its own code, else its project's, which the file says or which stands.
    sold_event as (
        select e.*, coalesce(e.vat_code, c.vat_code, p.vat_code::text) as ticket_vat_code
        from event as e
        left join (
            select x.scope_key[1] as project, min(x.value) as vat_code
            from cell as x
            where x.column_name = 'project_vat_code'
            group by x.scope_key[1]
        ) as c on e.project = c.project
        left join billig.project as p on e.project = p.project::text
    ),

    problem (line, column_name, value, reason) as (
        select distinct null::int, k.name, null, 'unknown column'
        from jsonb_array_elements(p_rows) as r
        cross join jsonb_object_keys(r) as k (name)
        where k.name <> 'line' and not exists (select from billig.programme_column as p where p.column_name = k.name)
        union all
        select distinct null::int, c.column_name, null, 'the column is missing'
        from cell as c
        where c.is_required and not c.is_given
        union all
        select c.line, c.column_name, null, 'missing'
        from cell as c
        where c.is_required and c.is_given and c.raw is null
        union all
        select
            c.line, c.column_name, c.raw,
            case
                when c.kind in ('whole', 'money') and c.raw ~ '^-[0-9]+([.,][0-9]+)?$' then 'negative'
                when c.kind in ('whole', 'money') and c.raw ~ '^[0-9]{8,}([.,][0-9]+)?$' then 'too large'
                when c.column_name in ('price', 'ticket_fee') and c.raw ~ '^[0-9]+[.,][0-9]+$' then 'not whole kroner'
                when c.kind = 'whole' then 'not a whole number'
                when c.kind = 'money' then 'not an amount in kroner and øre'
                when c.kind = 'time' then 'not a time: YYYY-MM-DD HH:MM'
                when c.kind in ('text', 'note') then 'has an invisible character, or a line break, or is too long'
                else 'not true or false'
            end
        from cell as c
        where not c.is_valid
        union all
        select c.line, c.column_name, c.raw, 'at least 1, or empty'
        from cell as c
        where c.column_name = 'ticket_limit' and c.value = '0'
        union all
        select
            c.line, c.column_name, c.raw,
            'no such VAT code: ' || (select string_agg(v.vat_code::text, ', ' order by v.vat_code) from books.vat_code as v)
        from cell as c
        where
            c.column_name in ('vat_code', 'project_vat_code', 'ticket_fee_vat_code')
            and not exists (select from books.vat_code as v where v.vat_code::text = c.value)
            and c.value is not null
        union all
        select
            e.line, 'ticket_fee_vat_source', e.fee_vat_source,
            case
                when e.fee_vat_source is null then 'missing: the fee has VAT code ' || e.fee_vat_code
                else 'the fee has no VAT code of its own'
            end
        from event as e
        where
            e.fee_vat_code is null and e.fee_vat_source is not null
            or e.fee_vat_source is null and exists (select from books.vat_code as v where v.vat_code::text = e.fee_vat_code)
        union all
        select
            c.line, c.column_name, c.raw,
            'no such organisation: ' || (
                select string_agg(o.organisation_name, ', ' order by o.organisation) from billig.organisation as o
            )
        from cell as c
        where
            c.column_name = 'organisation' and c.value is not null
            and not exists (select from billig.organisation as o where o.organisation_name = c.value)
        union all
        select
            c.line, c.column_name, c.raw,
            'no such event type: ' || (
                select string_agg(t.event_type_name, ', ' order by t.event_type) from billig.event_type as t
            )
        from cell as c
        where
            c.column_name = 'event_type' and c.value is not null
            and not exists (select from billig.event_type as t where t.event_type_name = c.value)
        union all
        -- Lines about the same event, project or ticket group agree with the first of them.
        select
            w.line, w.column_name, w.raw,
            'contradicts line ' || w.first_line || ', which says ' || coalesce(w.first_raw, 'nothing')
        from (
            select
                c.*,
                first_value(c.line) over (n) as first_line,
                first_value(c.raw) over (n) as first_raw,
                first_value(c.value) over (n) as first_value
            from cell as c
            where
                c.is_valid and c.scope <> 'price_group' and array_position(c.scope_key, null) is null
                and (c.scope <> 'project' or c.value is not null)
            window n as (partition by c.scope, c.scope_key, c.column_name order by c.line)
        ) as w
        where w.value is distinct from w.first_value
        union all
        select w.line, 'price_group', w.raw, 'the same price group as line ' || w.first_line
        from (
            select
                c.line, c.raw,
                first_value(c.line) over (n) as first_line,
                row_number() over (n) as copy
            from cell as c
            where c.column_name = 'price_group' and array_position(c.scope_key, null) is null
            window n as (partition by c.scope_key order by c.line)
        ) as w
        where w.copy > 1
        union all
        select e.line, 'sale_from', e.item ->> 'sale_from', 'sale opens at or after its end, ' || e.sale_to
        from event as e
        where e.sale_from >= e.sale_to
        union all
        select
            i.line, 'event_time', i.item ->> 'event_time',
            'the event is cancelled: only billig.move_event (pybridge event move) gives it another time'
        from item as i
        inner join billig.event as e on i.scope_key[1] = e.programme_key
        where
            i.scope = 'event' and (i.item ->> 'event_time')::timestamp <> e.event_time and billig.is_cancelled(e.event)
        union all
        select e.line, 'vat_code', null, 'no VAT code: neither the event nor its project has one'
        from event as e
        where
            e.vat_code is null
            and not exists (select from billig.project as p where p.project::text = e.project)
            and not exists (
                select from cell as c
                where c.column_name = 'project_vat_code' and c.raw is not null and c.scope_key = array[e.project]
            )
            and not exists (
                select from cell as c
                where c.line = e.line and c.column_name in ('project', 'vat_code') and not c.is_valid
            )
        union all
        select min(c.line), n.column_name, null, 'missing: project ' || c.value || ' is new'
        from cell as c
        cross join (values ('project_name'), ('project_vat_code')) as n (column_name)
        where
            c.column_name = 'project' and c.value is not null
            and not exists (select from billig.project as p where p.project::text = c.value)
            and not exists (
                select from cell as x
                where x.scope_key = array[c.value] and x.column_name = n.column_name and x.raw is not null
            )
        group by c.value, n.column_name
        union all
        select w.line, 'organisation', w.organisation,
            'project ' || w.project || ' is new, and of ' || w.first_organisation || ' in line ' || w.first_line
        from (
            select
                p.line, p.value as project, o.value as organisation,
                first_value(o.value) over (n) as first_organisation,
                first_value(p.line) over (n) as first_line
            from cell as p
            inner join cell as o on p.line = o.line and o.column_name = 'organisation'
            where
                p.column_name = 'project' and p.value is not null and o.value is not null
                and not exists (select from billig.project as x where x.project::text = p.value)
            window n as (partition by p.value order by p.line)
        ) as w
        where w.organisation <> w.first_organisation
        union all
        select i.line, 'num', i.item ->> 'num', 'less than the ' || g.num_sold || ' tickets sold'
        from item as i
        inner join billig.event as e on i.scope_key[1] = e.programme_key
        inner join billig.ticket_group as g on e.event = g.event and i.scope_key[2] = g.ticket_group_name
        where i.scope = 'ticket_group' and (i.item ->> 'num')::int < g.num_sold
    )

    select p.line, p.column_name, p.value, p.reason, p.is_warning
    from (
        select o.line, o.column_name, o.value, o.reason, false as is_warning
        from problem as o
        union all
        select
            c.line, c.column_name, c.raw,
            'less than the fee of ' || e.ticket_fee || ': all of the price is a fee', true
        from cell as c
        inner join event as e on c.scope_key[1] = e.scope_key[1]
        where
            c.column_name = 'price' and c.is_valid
            and c.value::numeric > 0 and c.value::numeric < e.ticket_fee::numeric
        union all
        select
            case when c.is_given then min(c.line) end, c.column_name, null::text,
            'empty: sold ' || case c.column_name when 'sale_from' then 'at once' else 'for ever' end
            || ', and clients read ' || left(c.value, 10), true
        from cell as c
        left join billig.event as e on c.scope_key[1] = e.programme_key
        where
            c.column_name in ('sale_from', 'sale_to') and c.raw is null and c.scope_key[1] is not null
            and (c.is_given or e.event is null)
        group by c.column_name, c.value, c.is_given, case when c.is_given then c.scope_key end
        union all
        select min(c.line), c.column_name, v.vat_code::text, v.ticket_warning, true
        from cell as c
        inner join books.vat_code as v on c.value = v.vat_code::text
        where c.column_name in ('vat_code', 'project_vat_code', 'ticket_fee_vat_code') and v.ticket_warning is not null
        group by c.scope_key, c.column_name, v.vat_code
        union all
        -- Entry that is exempt is exempt with its fee.
        select
            e.line, 'ticket_fee_vat_code', f.vat_code::text,
            'the ticket has VAT code ' || t.vat_code || ', without VAT: the fee is a part of its price, and has none either',
            true
        from sold_event as e
        inner join books.vat_code as t on e.ticket_vat_code = t.vat_code::text
        inner join books.vat_code as f on e.fee_vat_code = f.vat_code::text
        where
            e.ticket_fee::numeric > 0
            and books.rate_on(t.vat_code, billig.local_time()::date) = 0
            and books.rate_on(f.vat_code, billig.local_time()::date) > 0
        union all
        select
            e.line, 'event_time', e.item ->> 'event_time',
            'VAT code ' || v.vat_code || ' is ' || r.now_rate || ' % today and ' || r.rate || ' % on ' || e.event_date
            || ': tickets are sold with the rate of that day', true
        from sold_event as e
        inner join books.vat_code as v on v.vat_code::text in (e.ticket_vat_code, e.fee_vat_code)
        cross join lateral (
            select
                books.rate_on(v.vat_code, billig.local_time()::date) as now_rate,
                books.rate_on(v.vat_code, e.event_date) as rate
        ) as r
        where r.now_rate <> r.rate and e.event_date > billig.local_time()::date
        union all
        select distinct
            e.line, 'sale_from', e.item ->> 'sale_from',
            'sale opens more than a year before the event, and it has VAT: a sales document is issued a year before at most'
            || ' (bokføringsforskriften § 5-2-7)', true
        from sold_event as e
        inner join books.vat_code as v
            on v.vat_code::text = e.ticket_vat_code or (v.vat_code::text = e.fee_vat_code and e.ticket_fee::numeric > 0)
        where
            coalesce(nullif(e.sale_from, '2000-01-01'), billig.local_time())::date < e.event_date - interval '1 year' -- 2000: at once
            and books.rate_on(v.vat_code, e.event_date) > 0
        union all
        select
            e.line, 'organisation', o.organisation_name,
            'not registered for VAT on ' || e.event_date || ': its books have no VAT, whatever VAT code '
            || e.ticket_vat_code || ' says; sell under 6 or 7', true
        from sold_event as e
        inner join billig.organisation as o on e.item ->> 'organisation' = o.organisation_name
        inner join books.vat_code as v on e.ticket_vat_code = v.vat_code::text
        cross join lateral books.taxed(
            o.organisation, e.event_date, v.vat_code, books.rate_on(v.vat_code, e.event_date), null
        ) as t
        where books.rate_on(v.vat_code, e.event_date) > 0 and t.vat_rate = 0
    ) as p
    left join billig.programme_column as c on p.column_name = c.column_name
    order by p.line nulls first, c.place nulls last, p.column_name, p.reason;
end;

comment on function billig.check_programme(jsonb) is
'Every problem of a programme, one row each, in the file''s order; none when it is good. import_programme refuses them, save those with is_warning: a fee that exceeds a price that is not 0, a VAT code that is seldom right for tickets (books.vat_code.ticket_warning), VAT on the fee of a ticket without VAT, a sale without beginning or end, a VAT rate that will be another on the event''s day, a sale with VAT that opens more than a year before the event, and VAT of an organisation that is not registered for it. p_rows: an array of objects, one for each price group, with its line (number) and the columns of billig.programme_column as text. line null: the file as a whole. Changes nothing. 22023: no array of objects. May be null: line, value.';
