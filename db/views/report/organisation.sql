create or replace view report.organisation as
select
    o.organisation,
    o.organisation_name,
    r.legal_name,
    r.organisation_number,
    r.is_vat_registered,
    r.is_in_business_register,
    r.address,
    r.valid_from,
    r.set_by,
    r.set_at
from billig.organisation as o
left join books.organisation_on(billig.local_time()::date) as r on o.organisation = r.organisation;

comment on view report.organisation is
'Each organisation that sells tickets, and what is registered of it today: what its receipts say. Where legal_name is null nothing is registered, and its receipts say organisation_name alone: register it with books.set_organisation.';
comment on column report.organisation.organisation is 'The organisation';
comment on column report.organisation.organisation_name is 'Its name in every report';
comment on column report.organisation.legal_name is 'Name in the register of legal entities; null: nothing is registered';
comment on column report.organisation.organisation_number is 'Organisation number, nine digits; null: nothing is registered';
comment on column report.organisation.is_vat_registered is
'Whether it is in the VAT register, so that MVA stands after its number; null: nothing is registered';
comment on column report.organisation.is_in_business_register is
'Whether Foretaksregisteret stands on its receipts; null: nothing is registered';
comment on column report.organisation.address is 'Address, in one line; null: none on receipts';
comment on column report.organisation.valid_from is 'First day that it holds, local date; null: nothing is registered';
comment on column report.organisation.set_by is 'Who registered it; null: nothing is registered';
comment on column report.organisation.set_at is 'When it was registered; null: nothing is registered';
