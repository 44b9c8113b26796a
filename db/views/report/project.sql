create or replace view report.project as
select
    p.project,
    p.project_name,
    o.organisation_name,
    p.vat_code,
    v.vat_code_name
from billig.project as p
inner join billig.organisation as o on p.organisation = o.organisation
inner join books.vat_code as v on p.vat_code = v.vat_code;

comment on view report.project is 'UKE projects (T11), a row for each, with events or without.';
comment on column report.project.project is 'The project''s number, as accounting knows it';
comment on column report.project.project_name is 'Its name, as it is now';
comment on column report.project.organisation_name is 'Whose project it is';
comment on column report.project.vat_code is 'Norwegian standard VAT code of its events, save those that state their own';
comment on column report.project.vat_code_name is 'Norwegian name of the VAT code, as published';
