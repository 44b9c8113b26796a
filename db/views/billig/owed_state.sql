create or replace view billig.owed_state as
select
    o.owed_back,
    case
        when o.settled_at is not null then 'PAID_BACK'
        when o.used_payment is not null then 'USED'
        when
            o.kind = 'PART' and exists (
                select from billig.ticket as t
                where t.purchase = o.purchase and t.sale_channel = 'NET' and t.paid is null and t.refunded is null
            )
            then 'HELD'
        else 'OWED'
    end as state
from billig.owed_back as o;

comment on view billig.owed_state is
'What has become of web money that bought nothing by itself: state as in report.owed_back. A part payment is HELD while tickets of its purchase are held unpaid, and OWED from then on.';
