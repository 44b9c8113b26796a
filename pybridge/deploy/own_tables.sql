-- What the deploy itself keeps: made where it is missing, before a migration is read.
create schema if not exists deploy;
comment on schema deploy is 'What the deploy knows of this database';
create table if not exists deploy.era (
    era integer constraint era_pkey primary key,
    system_identifier bigint not null,
    started_at timestamptz not null default statement_timestamp()
);
comment on table deploy.era is
'One row for each cluster this database has lived in; transaction ids of an older era mean nothing in a newer one';
comment on column deploy.era.era is 'Number of the era, from 1; the greatest is now';
comment on column deploy.era.system_identifier is 'The cluster''s own number, from pg_control_system()';
comment on column deploy.era.started_at is 'When a deploy first found the database in this cluster';
create table if not exists deploy.migration (
    migration text constraint migration_pkey primary key,
    sha256 text not null
);
comment on table deploy.migration is
'The files of migrations/ as they were applied, one row per file; beside it, yoyo''s own tables say when';
comment on column deploy.migration.migration is 'The file''s name, without .sql';
comment on column deploy.migration.sha256 is 'SHA-256 of the file, hexadecimal';
create table if not exists deploy.repeatable_object (
    path text constraint repeatable_object_pkey primary key,
    kind text not null,
    object_name text not null,
    sha256 text not null,
    deployed_at timestamptz not null
);
comment on table deploy.repeatable_object is 'The files of db/ as they were last loaded, one row per file';
comment on column deploy.repeatable_object.path is 'The file, from the top of the checkout';
comment on column deploy.repeatable_object.kind is 'functions, views or triggers: the folder';
comment on column deploy.repeatable_object.object_name is 'What the file is named for: schema.name';
comment on column deploy.repeatable_object.sha256 is 'SHA-256 of the file, hexadecimal';
comment on column deploy.repeatable_object.deployed_at is 'When it was loaded';
create table if not exists deploy.known_object (
    kind text,
    identity text,
    constraint known_object_pkey primary key (kind, identity)
);
comment on table deploy.known_object is
'All objects in the project''s schemas when the last deploy ended; what is found beside them, nobody deployed';
comment on column deploy.known_object.kind is 'Type of the object, as pg_identify_object says it';
comment on column deploy.known_object.identity is 'Name of the object, as pg_identify_object says it';
create table if not exists deploy.ledger (
    is_it boolean not null default true constraint ledger_pkey primary key constraint ledger_one_check check (is_it),
    ledger uuid not null default gen_random_uuid(),
    made_at timestamptz not null default statement_timestamp()
);
comment on table deploy.ledger is
'Which ledger this is: one row, made by the first deploy. A dump takes it along, so that a restored ledger makes the same keys again for the same payments';
comment on column deploy.ledger.is_it is 'True: there is one';
comment on column deploy.ledger.ledger is 'Its name, random; part of every key that a gateway is given';
comment on column deploy.ledger.made_at is 'When it was first deployed; before that it asked nothing of any gateway';
insert into deploy.ledger default values on conflict do nothing;
create table if not exists deploy.test_clock (
    is_it boolean not null default true constraint test_clock_pkey primary key constraint test_clock_one_check check (is_it),
    marked_at timestamptz not null default statement_timestamp(),
    marked_by text not null default session_user
);
comment on table deploy.test_clock is
'A row says that this database is for tests, for good: what writes takes another time than the server''s (p_now), and no gateway is opened with a live key. Only a superuser makes the row: insert into deploy.test_clock default values. A dump takes it along';
comment on column deploy.test_clock.is_it is 'True: it is for tests';
comment on column deploy.test_clock.marked_at is 'When it was marked';
comment on column deploy.test_clock.marked_by is 'session_user who marked it, a superuser';
