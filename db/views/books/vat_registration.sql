create or replace view books.vat_registration as
select
    v.organisation,
    v.valid_from,
    lead(v.valid_from, 1, 'infinity') over (partition by v.organisation order by v.valid_from) as valid_until,
    v.is_vat_registered
from (
    select distinct on (organisation, valid_from)
        organisation,
        valid_from,
        is_vat_registered
    from books.organisation
    order by organisation, valid_from, organisation_version desc
) as v;

comment on view books.vat_registration is
'Whether organisations are registered for VAT (books.organisation), with the days: from valid_from, before valid_until. Of a day before the first nothing is known.';
