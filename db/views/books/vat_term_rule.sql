create or replace view books.vat_term_rule as
select
    vat_code,
    event_type,
    valid_from,
    term
from books.vat_term;

comment on view books.vat_term_rule is
'VAT terms (books.vat_term), for whoever reads reports: from valid_from until the next row of the same code and type.';
