-- depends: 0009-analysis
-- How long documents are kept, as data, and the job that then erases what banks wrote of people.

create table books.retention (
    kind text not null,
    years int not null,
    source text not null,
    constraint retention_pkey primary key (kind),
    constraint retention_kind_check check (kind in ('DOCUMENT')),
    constraint retention_years_check check (years between 1 and 50),
    constraint retention_source_check check (source <> '')
);
comment on table books.retention is
'How long the law has documents kept; what names people in them is erased after that. Read by books.kept_until alone.';
comment on column books.retention.kind is
'DOCUMENT: what documents entries in the books, receipts and the bank''s statements among it (primærdokumentasjon)';
comment on column books.retention.years is 'Years after the end of the accounting year that the entry belongs to';
comment on column books.retention.source is 'Where the law says so';
insert into books.retention (kind, years, source)
values
('DOCUMENT', 5, 'bokføringsloven § 13: five years after the end of the accounting year; since 1 February 2014');

insert into jobs.job (job, job_note)
values
('bank_texts', 'Erases what banks wrote of people, where no document has to say it any more');
insert into jobs.schedule (
    job, enabled, job_order, period_kind, every, at_time, month_day, retry_after, grace, statement_timeout
)
values
('bank_texts', true, 97, 'none', null, '00:40', null, '1 hour', '1 day', '1 hour');
