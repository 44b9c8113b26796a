create or replace view books.vat_term_period as
select
    vat_code,
    event_type,
    valid_from,
    lead(valid_from, 1, 'infinity') over (partition by vat_code, event_type order by valid_from) as valid_until,
    term
from books.vat_term;

comment on view books.vat_term_period is
'VAT terms (books.vat_term) with the days of sale they apply to: from valid_from, before valid_until.';
