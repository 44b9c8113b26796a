-- depends: 0013-schedule
-- What files call their clicks, kept: exports that overlap would charge a click twice.

create table marketplace.click_name (
    click_time timestamptz not null,
    advertisement bigint not null,
    click_id text not null,
    constraint click_name_pkey primary key (click_time, advertisement, click_id),
    constraint click_name_click_id_check check (click_id <> '' and length(click_id) <= 200)
);
comment on table marketplace.click_name is
'Clicks that came in files that name them: each is loaded once, from whatever file (click_name_pkey). Time and advertisement are part of the name, since one who exports may begin to count again with every file. Kept as long as a file may hold such clicks, two years. No foreign key, as on the clicks: it would be asked once a line.';
comment on column marketplace.click_name.click_time is 'The click''s time';
comment on column marketplace.click_name.advertisement is 'What was clicked';
comment on column marketplace.click_name.click_id is 'What the file calls it';

comment on column marketplace.click_file_line.click_id is
'The file''s own name of the click, at most 200 characters; a second line of the same name is refused, and so is one of a name, advertisement and time that another file had (click_name). Empty: lines that are alike are clicks of their own';
