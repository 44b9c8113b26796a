create or replace view books.vat_registration as
select
    organisation,
    valid_from,
    organisation_version,
    is_vat_registered
from books.organisation;

comment on view books.vat_registration is
'Whether organisations are registered for VAT (books.organisation), for whoever reads reports: on a day the row with the latest valid_from that is not after it holds, of several the newest version. Of a day before the first nothing is known.';
