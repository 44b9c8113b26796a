-- depends: 0010-marketplace
-- Files of clicks (pybridge clicks load): what a line may hold, and that a file is loaded once.

alter table marketplace.click_source add column is_file boolean not null default false;
comment on column marketplace.click_source.is_file is
'True: a file, whose content_sha256 is that of its bytes, and which is loaded once under whatever name (click_source_file_key)';
create unique index click_source_file_key on marketplace.click_source (content_sha256) where is_file;
comment on index marketplace.click_source_file_key is 'A file of the same content is loaded once';

create table marketplace.click_file_line (
    line bigint not null,
    click_time text,
    advertisement text,
    website text,
    price text,
    click_id text,
    fault_column text,
    fault_value text,
    fault text,
    constraint click_file_line_empty_check check (false)
);
comment on table marketplace.click_file_line is
'What a line of a file of clicks holds, as text. Always empty (click_file_line_empty_check): begin_click_file makes a temporary table like it, for COPY, and load_clicks judges what is in that.';
comment on column marketplace.click_file_line.line is 'Line of the file on which it begins; row, from 1, of a file without lines';
comment on column marketplace.click_file_line.click_time is
'When: 2026-02-03 14:05:06, or with T between; fractions and seconds may be left out. With an offset (Z, +01:00), or else local time as marketplace.time_zone has it';
comment on column marketplace.click_file_line.advertisement is 'Number of the advertisement';
comment on column marketplace.click_file_line.website is 'Number of the website; empty: on a page of our own';
comment on column marketplace.click_file_line.price is
'NOK, at most six decimals; empty: the advertisement''s price of that moment. Of use to bookkeeper and scheduler alone';
comment on column marketplace.click_file_line.click_id is
'The file''s own name of the click; a second line of the same name is refused. Empty: lines that are alike are clicks of their own';
comment on column marketplace.click_file_line.fault_column is 'Where whoever read the file found that this is no proper line';
comment on column marketplace.click_file_line.fault_value is 'What stands there';
comment on column marketplace.click_file_line.fault is 'Why it is none; null: it is';

create table marketplace.click_file_problem (
    line bigint not null,
    column_name text not null,
    value text,
    reason text not null,
    constraint click_file_problem_empty_check check (false)
);
comment on table marketplace.click_file_problem is
'Why a line of a file of clicks was not loaded, a row for each thing that is wrong. Always empty (click_file_problem_empty_check): load_clicks fills a temporary table like it.';
comment on column marketplace.click_file_problem.line is 'The line';
comment on column marketplace.click_file_problem.column_name is 'The column';
comment on column marketplace.click_file_problem.value is 'What stands there, its first 100 characters';
comment on column marketplace.click_file_problem.reason is 'What is wrong with it';
