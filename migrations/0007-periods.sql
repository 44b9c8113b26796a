-- Closed periods, and the roll-up of the log: both read it by what a snapshot sees, never by time or key alone.

create table billig.accounting_period (
    accounting_period int generated always as identity,
    organisation int not null,
    first_day date not null,
    last_day date not null,
    closed_at timestamptz not null default clock_timestamp(),
    closed_by text not null default session_user,
    note text,
    era int not null,
    snapshot pg_snapshot not null,
    log_rows bigint not null,
    gross_amount numeric not null,
    vat_amount numeric not null,
    voucher_debit numeric not null,
    constraint accounting_period_pkey primary key (accounting_period),
    constraint accounting_period_organisation_fkey
    foreign key (organisation) references billig.organisation (organisation),
    constraint accounting_period_days_check check (first_day <= last_day),
    constraint accounting_period_last_day_key unique (organisation, last_day),
    constraint accounting_period_overlap_excl exclude using gist (
        int4range(organisation, organisation, '[]') with &&,
        daterange(first_day, last_day, '[]') with &&
    )
);
comment on table billig.accounting_period is
'Closed periods: one row a close, never changed (23B20), made by billig.close_period alone. An organisation''s periods follow each other without a hole; the day after the last one is the first open day. accounting_period_overlap_excl: no day is closed twice. A row of the log that is dated in a closed period and was not visible in its snapshot belongs to a later one: see billig.posted_log.';
comment on column billig.accounting_period.accounting_period is 'Key';
comment on column billig.accounting_period.organisation is 'Whose books';
comment on column billig.accounting_period.first_day is 'First day, local date';
comment on column billig.accounting_period.last_day is 'Last day, local date';
comment on column billig.accounting_period.closed_at is 'When it was closed';
comment on column billig.accounting_period.closed_by is 'session_user';
comment on column billig.accounting_period.note is 'Whatever the bookkeeper noted';
comment on column billig.accounting_period.era is 'The cluster the snapshot is of (deploy.era)';
comment on column billig.accounting_period.snapshot is
'What the close saw: rows of transactions that are not in it were committed later';
comment on column billig.accounting_period.log_rows is 'Control total at the close: log rows posted in the period';
comment on column billig.accounting_period.gross_amount is
'Control total at the close: NOK, prices and fees including VAT, positive in';
comment on column billig.accounting_period.vat_amount is 'Control total at the close: VAT in gross_amount, NOK';
comment on column billig.accounting_period.voucher_debit is 'Control total: NOK of all debits of its vouchers at the close';

create table billig.rollup_batch (
    rollup_batch int generated always as identity,
    from_era int not null,
    from_xact_id xid8 not null,
    era int not null,
    before_xact_id xid8 not null,
    snapshot pg_snapshot not null,
    log_rows bigint not null,
    late_rows bigint not null,
    made_at timestamptz not null default clock_timestamp(),
    constraint rollup_batch_pkey primary key (rollup_batch),
    constraint rollup_batch_from_key unique (from_era, from_xact_id),
    constraint rollup_batch_before_key unique (era, before_xact_id),
    constraint rollup_batch_order_check check (
        case when from_era = era then from_xact_id < before_xact_id else from_era < era end
    ),
    constraint rollup_batch_log_rows_check check (log_rows > 0)
);
comment on table billig.rollup_batch is
'What was rolled up, batch by batch: log rows from (from_era, from_xact_id) up to, not with, (era, before_xact_id), in the order of eras and transactions. Each batch begins where the one before it ended (rollup_batch_from_key: no row is summed twice). All those transactions had ended: a batch is final.';
comment on column billig.rollup_batch.rollup_batch is 'Key';
comment on column billig.rollup_batch.from_era is 'Era of the first transaction in it';
comment on column billig.rollup_batch.from_xact_id is 'The first transaction in it';
comment on column billig.rollup_batch.era is 'Era of the first transaction after it';
comment on column billig.rollup_batch.before_xact_id is
'The first transaction after it: the oldest that was open when the batch was made';
comment on column billig.rollup_batch.snapshot is 'What the roll-up saw; before_xact_id is its xmin';
comment on column billig.rollup_batch.log_rows is 'Log rows in it';
comment on column billig.rollup_batch.late_rows is 'Those of them that came too late for the period they are dated in';
comment on column billig.rollup_batch.made_at is 'When it was made';

create table billig.rollup (
    organisation int not null,
    posting_date date not null,
    transaction_date date not null,
    project int,
    transaction_type smallint not null,
    vat_code smallint not null,
    vat_rate numeric(5, 2) not null,
    fee_vat_code smallint not null,
    fee_vat_rate numeric(5, 2) not null,
    log_rows bigint not null,
    fee_rows bigint not null,
    amount numeric not null,
    vat_amount numeric not null,
    fee_amount numeric not null,
    fee_vat_amount numeric not null,
    rollup_batch int not null,
    constraint rollup_key unique nulls not distinct (
        organisation, posting_date, transaction_date, project, transaction_type,
        vat_code, vat_rate, fee_vat_code, fee_vat_rate
    ),
    constraint rollup_rollup_batch_fkey foreign key (rollup_batch) references billig.rollup_batch (rollup_batch),
    constraint rollup_posting_date_check check (posting_date >= transaction_date)
);
comment on table billig.rollup is
'Sums of the log rows of all batches, a row for each day and kind of row; billig.roll_up_log adds each batch to it once. A batch adds to the row that is there (rollup_key), so that the table grows with the days and not with the batches. Worked out from the log, and compared with it by consistency.rollup.';
comment on column billig.rollup.organisation is 'Organisation, as sold';
comment on column billig.rollup.posting_date is 'The day the rows count on: see billig.posted_log';
comment on column billig.rollup.transaction_date is 'Local date of the rows';
comment on column billig.rollup.project is 'UKE project, as sold';
comment on column billig.rollup.transaction_type is 'Type, see billig.transaction_type';
comment on column billig.rollup.vat_code is 'VAT code of the price, as sold';
comment on column billig.rollup.vat_rate is 'VAT rate of the price, per cent';
comment on column billig.rollup.fee_vat_code is 'VAT code of the fee, as sold';
comment on column billig.rollup.fee_vat_rate is 'VAT rate of the fee, per cent';
comment on column billig.rollup.log_rows is 'Log rows';
comment on column billig.rollup.fee_rows is 'Those of them that move a fee';
comment on column billig.rollup.amount is 'Money for prices, NOK including VAT: positive in, negative out';
comment on column billig.rollup.vat_amount is 'VAT in amount';
comment on column billig.rollup.fee_amount is 'Money for fees, NOK including VAT: positive in, negative out';
comment on column billig.rollup.fee_vat_amount is 'VAT in fee_amount';
comment on column billig.rollup.rollup_batch is 'The batch that added to it last';

create table billig.late_row (
    transaction_log bigint,
    organisation int not null,
    transaction_date date not null,
    posting_date date not null,
    rollup_batch int not null,
    constraint late_row_pkey primary key (transaction_log),
    constraint late_row_rollup_batch_fkey foreign key (rollup_batch) references billig.rollup_batch (rollup_batch),
    constraint late_row_days_check check (posting_date > transaction_date)
);
comment on table billig.late_row is
'Log rows of the batches that came too late for the period they are dated in, and the day they count on instead. Written by billig.roll_up_log, never changed (23B20); rows of the log that are in no batch yet are looked at when asked for (billig.unrolled_log).';
comment on column billig.late_row.transaction_log is 'The log row';
comment on column billig.late_row.organisation is 'Organisation, as sold';
comment on column billig.late_row.transaction_date is 'Local date of the row, in a closed period';
comment on column billig.late_row.posting_date is 'First day of the later period that it belongs to';
comment on column billig.late_row.rollup_batch is 'The batch it is in';
create index late_row_posting_date_idx on billig.late_row (posting_date);

-- The tail: what is in no batch yet. Ascending, so an insert only ever touches its last page.
create index transaction_log_xact_idx on billig.transaction_log (era, xact_id);
