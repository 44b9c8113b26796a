-- depends: 0001-roles
-- The books: VAT, accounts, the rules that say which account a line goes to, and the periods that are closed. What both
-- sides share: it names no table of theirs. Who stands above ties its own keys to it (docs/decisions/0020).

create schema books;
comment on schema books is
'What ticketing and marketplace share: VAT codes and rates, accounts, vouchers and their rules, closed periods';

-- --- What texts and times may be ------------------------------------------------------------------------------------
-- The last guard; what a client passes is checked before by books.check_text, check_day and check_moment, in a sentence.

create domain books.line as text
constraint line_without_invisible_characters check (
    value !~ '[\u0001-\u001F\u007F-\u00A0\u00AD\u034F\u061C\u115F\u1160\u1680\u17B4\u17B5\u180B-\u180F\u2000-\u200F\u2028-\u202F\u205F-\u206F\u2800\u3000\u3164\uFE00-\uFE0F\uFEFF\uFFA0\uFFF0-\uFFFB\U0001D173-\U0001D17A\U000E0000-\U000E0FFF]'
)
constraint line_without_space_at_its_edges check (value !~ '^ | $')
constraint line_of_at_most_500_characters check (length(value) <= 500);
comment on domain books.line is
'One line of text, or none: no control or invisible character, no space but the ordinary one, and none at the edges';

-- Of text, and not of books.line: else information_schema calls it USER-DEFINED.
create domain books.name as text
constraint name_is_a_line check (value::books.line = value)
constraint name_not_blank check (value <> '');
comment on domain books.name is
'A required line of text: whatever names somebody or something, or says why. Where it may be left out, it is null.';

create domain books.prose as text
constraint prose_without_invisible_characters check (
    value !~ '[\u0001-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\u061C\u200B\u200E\u200F\u202A-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB\U000E0000-\U000E0FFF]'
)
constraint prose_of_at_most_20000_characters check (length(value) <= 20000);
comment on domain books.prose is
'Text of several lines for people to read, such as the note of an event: tabs and line breaks are fine, other control and invisible characters are not';

create domain books.day as date
constraint day_from_2000_to_2100 check (value between '2000-01-01' and '2100-12-31');
comment on domain books.day is 'A day of business: finite, 2000 to 2100';

create domain books.moment as timestamptz
constraint moment_from_2000_to_2100 check (value >= '1999-12-31 00:00+00' and value < '2101-01-02 00:00+00');
comment on domain books.moment is 'A time of business: finite, 2000 to 2100 whatever the zone';

create domain books.local_moment as timestamp
constraint local_moment_from_2000_to_2100 check (value >= '2000-01-01' and value < '2101-01-01');
comment on domain books.local_moment is 'A time of business, local, without zone: finite, 2000 to 2100';

-- --- VAT -------------------------------------------------------------------------------------------------------------

create table books.vat_code (
    vat_code smallint,
    vat_code_name books.name not null,
    vat_code_note books.name not null,
    ticket_warning books.name,
    is_in_return boolean not null default true,
    constraint vat_code_pkey primary key (vat_code)
);
comment on table books.vat_code is
'Norway''s standard VAT codes (mva-koder) that ticket sales use; from the tax administration''s Standard_Tax_Codes. Code 0 is a purchase code and is left out on purpose.';
comment on column books.vat_code.vat_code is 'The standard code';
comment on column books.vat_code.vat_code_name is 'Norwegian name, as published';
comment on column books.vat_code.vat_code_note is
'What tickets use it for, by the VAT Act and the tax administration''s VAT handbook (docs/law.md names the paragraphs); to be confirmed by your accountant';
comment on column books.vat_code.ticket_warning is
'What billig.check_programme warns of where a programme gives the code to tickets or fees; null: nothing';
comment on column books.vat_code.is_in_return is
'Whether the VAT return has the code (list mvaKodeSAFT): 7 is in none';
insert into books.vat_code (vat_code, vat_code_name, vat_code_note, ticket_warning, is_in_return)
values
(
    3, 'Utgående merverdiavgift, alminnelig sats',
    'Regular rate: what nothing exempts, such as disco, food and drink that is served (§ 5-2), merchandise', null, true
),
(
    31, 'Utgående merverdiavgift, middels sats', 'Middle rate: food that is not served (§ 5-2)',
    'food that is served where it is sold has code 3: 31 is for food that is taken away', true
),
(
    33, 'Utgående merverdiavgift, lav sats',
    'Low rate: cinema (§ 5-6), museums and galleries (§ 5-9), amusement parks (§ 5-10), sport of an organiser that must register for it (§ 5-11)',
    null, true
),
(
    5, 'Innenlands omsetning og uttak fritatt for merverdiavgift', 'Zero-rated: sales within the Act that chapter 6 exempts',
    'entry is hardly ever zero-rated: concerts, theatre and revue are outside the Act, code 6', true
),
(
    6, 'Omsetning og uttak utenfor merverdiavgiftsloven',
    'Outside the Act, and so is the fee: concerts, theatre, revue, stand-up, circus, dance with live music (§ 3-7), teaching (§ 3-5), a single sports event (§ 3-8)',
    null, true
),
(
    7, 'Ingen merverdiavgiftsbehandling (inntekter)', 'No VAT treatment: income that is no sale, such as gifts and grants', null, false
);

create table books.vat_rate (
    vat_code smallint not null,
    valid_from books.day not null,
    rate numeric(5, 2) not null,
    constraint vat_rate_pkey primary key (vat_code, valid_from),
    constraint vat_rate_vat_code_fkey foreign key (vat_code) references books.vat_code (vat_code),
    constraint vat_rate_rate_check check (rate >= 0 and rate < 100)
);
comment on table books.vat_rate is
'The rate of a VAT code from a day on, until the next row of the code. Overlaps cannot be expressed, so none can exist. Source: the tax administration''s list of rates (sats.xml).';
comment on column books.vat_rate.vat_code is 'The standard code';
comment on column books.vat_rate.valid_from is 'First day the rate applies';
comment on column books.vat_rate.rate is 'Per cent of the net amount';
insert into books.vat_rate (vat_code, valid_from, rate)
values
(3, '2005-01-01', 25), (31, '2012-01-01', 15),
(33, '2006-01-01', 8), (33, '2016-01-01', 10), (33, '2018-01-01', 12), (33, '2020-04-01', 6), (33, '2021-10-01', 12),
(5, '2005-01-01', 0), (6, '2005-01-01', 0), (7, '2005-01-01', 0);

create table books.vat_term (
    vat_code smallint not null,
    event_type int,
    valid_from date not null,
    term text not null,
    source books.name not null,
    set_by books.name not null default session_user,
    set_at timestamptz not null default clock_timestamp(),
    constraint vat_term_key unique nulls not distinct (vat_code, event_type, valid_from),
    constraint vat_term_vat_code_fkey foreign key (vat_code) references books.vat_code (vat_code),
    constraint vat_term_term_check check (term in ('SALE', 'DELIVERY'))
);
comment on table books.vat_term is
'Which VAT term what is sold belongs to, by VAT code and type of event: that of the SALE where the bookkeeping regulation allows sales documents before delivery (bokføringsforskriften § 5-2-7), else that of DELIVERY, the event''s day. What was sold on a day goes by the row of that day: the one that names the event''s type, else the one for any. Set by books.set_vat_term; to be confirmed by your accountant.';
comment on column books.vat_term.vat_code is 'The standard code';
comment on column books.vat_term.event_type is 'For this type of event (billig.event_type); null: any that has no row of its own';
comment on column books.vat_term.valid_from is 'First day of sale it applies to';
comment on column books.vat_term.term is
'SALE: the VAT belongs to the day of the log row. DELIVERY: to the event''s day, or to that of the row where that is later';
comment on column books.vat_term.source is 'What it rests on';
comment on column books.vat_term.set_by is 'session_user';
comment on column books.vat_term.set_at is 'When';
-- Those that the migration of billig adds name types of events.
insert into books.vat_term (vat_code, event_type, valid_from, term, source, set_by)
values
(
    3, null, '0001-01-01', 'DELIVERY',
    'bokføringsforskriften § 5-2-7, last sentence: what it does not name, as a disco, has no document with VAT before delivery', 'migration'
),
(31, null, '0001-01-01', 'DELIVERY', 'bokføringsforskriften § 5-2-7, last sentence: goods are not named', 'migration'),
(
    33, null, '0001-01-01', 'DELIVERY',
    'bokføringsforskriften § 5-2-7 names museums, galleries, amusement parks, experience centres and sport, and not cinema', 'migration'
),
(5, null, '0001-01-01', 'DELIVERY', 'no VAT: the return''s base counts with the revenue', 'migration'),
(6, null, '0001-01-01', 'DELIVERY', 'no VAT: the return''s base counts with the revenue', 'migration'),
(7, null, '0001-01-01', 'DELIVERY', 'no VAT, and in no return', 'migration');

-- --- Organisations --------------------------------------------------------------------------------------------------

create table books.organisation (
    organisation_version int generated always as identity,
    organisation int not null,
    valid_from books.day not null,
    legal_name books.name not null,
    organisation_number text not null,
    is_vat_registered boolean not null,
    is_in_business_register boolean not null,
    address books.name,
    set_by books.name not null default session_user,
    set_at timestamptz not null default clock_timestamp(),
    constraint organisation_pkey primary key (organisation_version),
    constraint organisation_valid_from_check check (valid_from between '2000-01-01' and '2100-01-01'),
    -- A check digit of 10 is none: no ninth digit makes such a sum divisible.
    constraint organisation_number_check check (
        case
            when organisation_number ~ '^[1-9][0-9]{8}$' then (
                3 * substr(organisation_number, 1, 1)::int + 2 * substr(organisation_number, 2, 1)::int
                + 7 * substr(organisation_number, 3, 1)::int + 6 * substr(organisation_number, 4, 1)::int
                + 5 * substr(organisation_number, 5, 1)::int + 4 * substr(organisation_number, 6, 1)::int
                + 3 * substr(organisation_number, 7, 1)::int + 2 * substr(organisation_number, 8, 1)::int
                + substr(organisation_number, 9, 1)::int
            ) % 11 = 0
            else false
        end
    )
);
comment on table books.organisation is
'What the law wants to be told of an organisation on a receipt: a row per change, never changed itself (23B20), made by books.set_organisation alone. On a day the row with the latest valid_from that is not after it holds; of rows with the same valid_from, the newest. What a receipt said it keeps itself (billig.receipt_line). organisation_number_check: the check digit is right (modulus 11, weights 3 2 7 6 5 4 3 2; Brønnøysundregistrene). organisation_legal_name_check, organisation_address_check: not blank, nothing invisible, no white space at the edges.';
comment on column books.organisation.organisation_version is 'Key; later ones were registered later';
comment on column books.organisation.organisation is 'The organisation that sells (billig.organisation)';
comment on column books.organisation.valid_from is 'First day it holds, local date';
comment on column books.organisation.legal_name is 'Name in the register of legal entities';
comment on column books.organisation.organisation_number is 'Organisation number, nine digits, without spaces';
comment on column books.organisation.is_vat_registered is 'Whether it is in the VAT register: MVA stands after its number';
comment on column books.organisation.is_in_business_register is
'Whether it is in the register of business enterprises: Foretaksregisteret stands on its receipts';
comment on column books.organisation.address is 'Address, in one line; null: not on receipts';
comment on column books.organisation.set_by is 'session_user';
comment on column books.organisation.set_at is 'When';
create index organisation_valid_from_idx on books.organisation (organisation, valid_from);

-- --- Vouchers --------------------------------------------------------------------------------------------------------

create table books.account (
    account int,
    account_name books.name not null,
    is_suspense boolean not null default false,
    constraint account_pkey primary key (account),
    constraint account_number_check check (account between 1000 and 9999)
);
comment on table books.account is
'Accounts that vouchers name: those of Norway''s standard chart (NS 4102) that ticket sales need, and sub-accounts in its groups.';
comment on column books.account.account is 'Number, four digits';
comment on column books.account.account_name is 'Name, as in the chart';
comment on column books.account.is_suspense is
'True for the one account that takes what no rule knows: consistency.voucher_rule names such lines. Its number is none of the chart''s, so that an accounting system refuses it.';
create unique index account_suspense_key on books.account (is_suspense) where is_suspense;
comment on index books.account_suspense_key is 'There is one suspense account';
insert into books.account (account, account_name, is_suspense)
values
(1560, 'Andre fordringer på selskap i samme konsern', false),
(1571, 'Fordring på kortinnløser', false),
(1577, 'Fordring på Vipps', false),
(1578, 'Fordring på betalingsleverandør, nett', false),
(1579, 'Andre kortsiktige fordringer', false),
(1900, 'Kontanter', false),
(1901, 'Kontanter utenfor kassene', false),
(1909, 'Kassedifferanse', false),
(1920, 'Bankinnskudd', false),
(2700, 'Utgående merverdiavgift, høy sats', false),
(2701, 'Utgående merverdiavgift, middels sats', false),
(2703, 'Utgående merverdiavgift, lav sats', false),
(2900, 'Forskudd fra kunder', false),
(2901, 'Gavekort', false),
(2990, 'Gjeld til andre personer enn ansatte og eiere', false),
(3020, 'Salgsinntekt tjenester, avgiftspliktig, høy sats', false),
(3030, 'Salgsinntekt handelsvarer, avgiftspliktig, middels sats', false),
(3050, 'Salgsinntekt tjenester, avgiftspliktig, lav sats', false),
(3120, 'Salgsinntekt tjenester, innenlands, avgiftsfri', false),
(3220, 'Salgsinntekt tjenester, unntatt avgiftsplikt', false),
(3900, 'Annen driftsrelatert inntekt', false),
(7740, 'Øresavrunding', false),
(7770, 'Bank- og kortgebyrer', false),
(7830, 'Tap på fordringer', false),
(7790, 'Annen kostnad', false),
(9999, 'Ingen regel', true);

create table books.voucher_line_kind (
    line_kind text,
    place smallint not null,
    line_text text not null,
    has_rule boolean not null,
    of_tickets boolean not null default false,
    of_method boolean not null default false,
    line_kind_note text not null,
    constraint voucher_line_kind_pkey primary key (line_kind),
    constraint voucher_line_kind_place_key unique (place)
);
comment on table books.voucher_line_kind is 'Kinds of lines that vouchers have';
comment on column books.voucher_line_kind.line_kind is 'The kind';
comment on column books.voucher_line_kind.place is 'Where its lines stand in a voucher';
comment on column books.voucher_line_kind.line_text is 'The line''s text, Norwegian';
comment on column books.voucher_line_kind.has_rule is 'Rules of this kind say the account; else those of another kind do';
comment on column books.voucher_line_kind.of_tickets is 'Its lines have a project; its rules may name that, a VAT code and a transaction type';
comment on column books.voucher_line_kind.of_method is 'Its rules may name a payment method';
comment on column books.voucher_line_kind.line_kind_note is 'What it is, and the sign that a sale or a payment in has';
insert into books.voucher_line_kind (line_kind, place, line_text, has_rule, of_tickets, of_method, line_kind_note)
values
('PAYMENT', 1, 'Betaling', true, false, true, 'Money by means of payment: debit in, credit out; a gift card debits what is owed for it'),
('ROUNDING', 2, 'Øresavrunding', true, false, true, 'What cash was rounded by: debit where less was paid than it cost'),
('REVENUE', 3, 'Billettinntekt', true, true, false, 'Prices of tickets without VAT: credit'),
('FEE', 4, 'Billettgebyr', true, true, false, 'Fees of tickets without VAT: credit'),
('PREPAID', 5, 'Forskudd for billetter', false, false, false, 'What was sold of an event that has not been held: credit of the rule''s deferred account, without a VAT code. Where VAT belongs to the delivery with its VAT; else without it, and the account is debited, as REVENUE and FEE credit it already'),
('VAT', 6, 'Utgående mva', true, true, false, 'VAT of REVENUE and FEE, on the same day: credit'),
('RELEASE', 7, 'Forskudd til inntekt', false, false, false, 'What was prepaid, on the day the event is held: debit of the deferred account, without a VAT code; credit of the account, where its VAT was booked at the sale, else REVENUE, FEE and VAT are booked now. The other way round where the event is cancelled, or put off, after that'),
('TRANSFER', 8, 'Mellomregning', true, false, false, 'Between organisations: debit where the tickets are, credit where the money for them lies. Of a payment around midnight also between its days'),
('OWED_BACK', 9, 'Skyldig kjøpere', true, false, true, 'Money that came too late for its tickets: credit until it is paid back'),
('CASH_DIFFERENCE', 10, 'Kassedifferanse', true, false, true, 'Counted less expected when a till session closed: credit where there was too much'),
('PAY_IN', 11, 'Innskudd i kasse', true, false, true, 'Cash put into a drawer that no sale brought: credit'),
('PAY_OUT', 12, 'Uttak fra kasse', true, false, true, 'Cash taken out of a drawer that no refund took: debit'),
('CASH_CLOSED', 13, 'Kassedifferanse kostnadsført', true, false, true, 'CASH_DIFFERENCE of a closed period, on its last day, in a voucher of its own: debit where money was missing'),
('BANK', 14, 'Innskudd i bank', true, false, false, 'What came to the bank for what was sold, by an approved match: debit; its PAYMENT is credited'),
('BANK_FEE', 15, 'Gebyr til innløser', true, false, false, 'What the acquirer kept back of it: debit'),
('BANK_DIFFERENCE', 16, 'Differanse mot bank', true, false, false, 'What never came, or is not explained, by an approved match: debit where too little came');

create table books.voucher_rule (
    voucher_rule int generated by default as identity,
    line_kind text not null,
    project int,
    organisation int,
    vat_code smallint,
    payment_method smallint,
    transaction_type smallint,
    valid_from date not null,
    account int,
    deferred_account int,
    accounting_vat_code books.name,
    set_by books.name not null default session_user,
    set_at timestamptz not null default now(),
    constraint voucher_rule_pkey primary key (voucher_rule),
    constraint voucher_rule_key unique nulls not distinct
    (line_kind, project, organisation, vat_code, payment_method, transaction_type, valid_from),
    constraint voucher_rule_line_kind_fkey foreign key (line_kind) references books.voucher_line_kind (line_kind),
    constraint voucher_rule_vat_code_fkey foreign key (vat_code) references books.vat_code (vat_code),
    constraint voucher_rule_account_fkey foreign key (account) references books.account (account),
    constraint voucher_rule_deferred_account_fkey foreign key (deferred_account) references books.account (account),
    constraint voucher_rule_line_kind_check check (line_kind not in ('PREPAID', 'RELEASE')),
    constraint voucher_rule_tickets_check
    check ((project is null and vat_code is null and transaction_type is null) or line_kind in ('REVENUE', 'FEE', 'VAT')),
    constraint voucher_rule_method_check
    check (payment_method is null or line_kind not in ('REVENUE', 'FEE', 'VAT', 'TRANSFER')),
    constraint voucher_rule_deferred_check check (
        deferred_account is null or (line_kind in ('REVENUE', 'FEE') and account is not null and deferred_account <> account)
    ),
    constraint voucher_rule_accounting_vat_code_check
    check (accounting_vat_code is null or line_kind in ('REVENUE', 'FEE'))
);
comment on table books.voucher_rule is
'Which account a voucher''s line goes to. A rule fits a line if each column that it names is the line''s; null fits any. Of the rules that fit, the one that names the project wins; among equals the one that names the organisation; then the VAT code, the payment method, the transaction type. From valid_from on a rule is as its newest row says, so that a change leaves older vouchers as they are. voucher_rule_key: no two rows are equal in all that, so there is always one winner. Set by books.set_voucher_rule.';
comment on column books.voucher_rule.voucher_rule is 'Key';
comment on column books.voucher_rule.line_kind is 'The kind of line';
comment on column books.voucher_rule.project is 'For this project only, of lines of tickets: money has no project; null: any, and none';
comment on column books.voucher_rule.organisation is 'For this organisation only; null: any';
comment on column books.voucher_rule.vat_code is 'For this VAT code only; null: any';
comment on column books.voucher_rule.payment_method is 'For this payment method only; null: any';
comment on column books.voucher_rule.transaction_type is 'For this type of log row only; null: any';
comment on column books.voucher_rule.valid_from is 'First posting date it applies to; never changed for days of closed periods';
comment on column books.voucher_rule.account is 'The account; null: from then on there is no such rule, and a less specific one applies';
comment on column books.voucher_rule.deferred_account is
'Where it is a liability until the day of the event: the liability''s account; null: revenue at once';
comment on column books.voucher_rule.accounting_vat_code is
'The accounting system''s own VAT code, printed on the line; null: none';
comment on column books.voucher_rule.set_by is 'session_user';
comment on column books.voucher_rule.set_at is 'When';

-- --- Periods ---------------------------------------------------------------------------------------------------------

create table books.accounting_period (
    accounting_period int generated always as identity,
    organisation int not null,
    first_day books.day not null,
    last_day books.day not null,
    closed_at timestamptz not null default clock_timestamp(),
    closed_by books.name not null default session_user,
    note books.name,
    era int not null,
    snapshot pg_snapshot not null,
    log_rows bigint not null,
    gross_amount numeric not null,
    vat_amount numeric not null,
    voucher_debit numeric not null,
    constraint accounting_period_pkey primary key (accounting_period),
    constraint accounting_period_days_check check (first_day <= last_day),
    constraint accounting_period_last_day_key unique (organisation, last_day),
    constraint accounting_period_overlap_excl exclude using gist (
        int4range(organisation, organisation, '[]') with &&,
        daterange(first_day, last_day, '[]') with &&
    )
);
comment on table books.accounting_period is
'Closed periods: one row per close, never changed (23B20), made by books.close_period alone. An organisation''s periods follow each other without a hole; the day after the last one is the first open day. accounting_period_overlap_excl: no day is closed twice. A row of the log that is dated in a closed period and was not visible in its snapshot belongs to a later one: see billig.posted_log.';
comment on column books.accounting_period.accounting_period is 'Key';
comment on column books.accounting_period.organisation is 'Whose books';
comment on column books.accounting_period.first_day is 'First day, local date';
comment on column books.accounting_period.last_day is 'Last day, local date';
comment on column books.accounting_period.closed_at is 'When it was closed';
comment on column books.accounting_period.closed_by is 'session_user';
comment on column books.accounting_period.note is 'Whatever the bookkeeper noted';
comment on column books.accounting_period.era is 'The cluster the snapshot is of (deploy.era)';
comment on column books.accounting_period.snapshot is
'What the close saw: rows of transactions that are not in it were committed later';
comment on column books.accounting_period.log_rows is 'Control total at the close: log rows posted in the period';
comment on column books.accounting_period.gross_amount is
'Control total at the close: NOK, prices and fees including VAT, positive in';
comment on column books.accounting_period.vat_amount is 'Control total at the close: VAT in gross_amount, NOK';
comment on column books.accounting_period.voucher_debit is 'Control total: NOK of all debits of its vouchers at the close';

-- --- What went out ---------------------------------------------------------------------------------------------------

create table books.voucher_export (
    voucher_export int generated by default as identity,
    organisation int not null,
    first_day date not null,
    last_day date not null,
    layout text not null,
    no_vat_code text not null,
    first_number int not null,
    last_number int not null,
    lines int not null,
    debit numeric not null,
    content_sha256 bytea not null,
    exported_by books.name not null default session_user,
    exported_at timestamptz not null default clock_timestamp(),
    constraint voucher_export_pkey primary key (voucher_export),
    constraint voucher_export_days_check check (first_day <= last_day),
    constraint voucher_export_layout_check check (layout in ('GBAT10')),
    constraint voucher_export_no_vat_code_check check (no_vat_code ~ '^[A-Za-z0-9]{1,10}$'),
    constraint voucher_export_number_check
    check (first_number >= 1 and first_number <= last_number and last_number <= 9999999),
    constraint voucher_export_lines_check check (lines > 0 and debit >= 0),
    constraint voucher_export_sha256_check check (length(content_sha256) = 32),
    constraint voucher_export_number_excl exclude using gist (
        int4range(organisation, organisation, '[]') with &&,
        int4range(first_number, last_number, '[]') with &&
    )
);
comment on table books.voucher_export is
'What went out to the accounting system: a row per export that had anything to tell, never changed (23B20), made by books.export_vouchers alone. voucher_export_number_excl: no number of an organisation''s vouchers is used twice.';
comment on column books.voucher_export.voucher_export is 'Key';
comment on column books.voucher_export.organisation is 'Whose books';
comment on column books.voucher_export.first_day is 'First day that was asked for';
comment on column books.voucher_export.last_day is 'Last day that was asked for';
comment on column books.voucher_export.layout is 'The layout of its file: GBAT10';
comment on column books.voucher_export.no_vat_code is 'What stands in the file where a line has no VAT code';
comment on column books.voucher_export.first_number is 'Number of its first voucher';
comment on column books.voucher_export.last_number is 'Number of its last voucher: every number from the first one on is used';
comment on column books.voucher_export.lines is 'How many lines it has';
comment on column books.voucher_export.debit is 'NOK of all its debits';
comment on column books.voucher_export.content_sha256 is 'SHA-256 of its lines, as books.export_content has them';
comment on column books.voucher_export.exported_by is 'session_user';
comment on column books.voucher_export.exported_at is 'When';

create table books.exported_voucher (
    organisation int not null,
    voucher_number int not null,
    voucher_export int not null,
    voucher text not null,
    posting_date date not null,
    corrects int,
    constraint exported_voucher_pkey primary key (organisation, voucher_number),
    constraint exported_voucher_voucher_key unique (organisation, voucher, voucher_number),
    -- the export's row comes last: it has the sums
    constraint exported_voucher_voucher_export_fkey
    foreign key (voucher_export) references books.voucher_export (voucher_export) deferrable initially deferred,
    constraint exported_voucher_corrects_fkey
    foreign key (organisation, voucher, corrects)
    references books.exported_voucher (organisation, voucher, voucher_number),
    constraint exported_voucher_corrects_check check (corrects < voucher_number)
);
comment on table books.exported_voucher is
'Vouchers that went out, by the number they went out with; never changed (23B20). The first that went out of a voucher of report.voucher_line has all that was known of it (exported_voucher_first_key); whatever came later is a voucher that corrects that one, by the difference.';
comment on column books.exported_voucher.organisation is 'Whose books';
comment on column books.exported_voucher.voucher_number is 'Its number there';
comment on column books.exported_voucher.voucher_export is 'The export that it went out with';
comment on column books.exported_voucher.voucher is 'Its name in report.voucher_line';
comment on column books.exported_voucher.posting_date is 'Its day';
comment on column books.exported_voucher.corrects is 'Number of the voucher of that name that it corrects; null: it is the first of its name';
create unique index exported_voucher_first_key on books.exported_voucher (organisation, voucher) where corrects is null;
create index exported_voucher_posting_date_idx on books.exported_voucher (posting_date);
create index exported_voucher_voucher_export_idx on books.exported_voucher (voucher_export);

create table books.exported_line (
    organisation int not null,
    voucher_number int not null,
    line int not null,
    line_kind text not null,
    account int not null,
    account_name text not null,
    project int,
    project_name text,
    vat_code smallint,
    vat_rate numeric(5, 2),
    accounting_vat_code text,
    payment_method text,
    amount numeric(14, 2) not null,
    vat_amount numeric(14, 2) not null,
    line_text text not null,
    constraint exported_line_pkey primary key (organisation, voucher_number, line),
    constraint exported_line_voucher_fkey foreign key (organisation, voucher_number)
    references books.exported_voucher (organisation, voucher_number),
    constraint exported_line_line_kind_fkey foreign key (line_kind) references books.voucher_line_kind (line_kind),
    constraint exported_line_account_fkey foreign key (account) references books.account (account)
);
comment on table books.exported_line is
'The lines of vouchers that went out, as they were then; never changed (23B20). Each voucher sums to 0 (23B56).';
comment on column books.exported_line.organisation is 'Whose books';
comment on column books.exported_line.voucher_number is 'The voucher';
comment on column books.exported_line.line is '1, 2, ... in it';
comment on column books.exported_line.line_kind is 'What it is (books.voucher_line_kind)';
comment on column books.exported_line.account is 'Account';
comment on column books.exported_line.account_name is 'Its name then';
comment on column books.exported_line.project is 'UKE project of the tickets; null: money, or tickets without a project';
comment on column books.exported_line.project_name is 'Its name then; null: no project';
comment on column books.exported_line.vat_code is 'Standard VAT code of what was sold; null: not a line of tickets';
comment on column books.exported_line.vat_rate is 'VAT rate, per cent; null: not a line that counts for VAT on its day';
comment on column books.exported_line.accounting_vat_code is 'The accounting system''s VAT code; null: none';
comment on column books.exported_line.payment_method is 'Means of payment, by its name then; null: not a line of money';
comment on column books.exported_line.amount is 'NOK: debit less credit';
comment on column books.exported_line.vat_amount is 'NOK: the VAT booked beside the line, same sign as amount';
comment on column books.exported_line.line_text is 'Its text, Norwegian';

create table books.export_file (
    export_file int generated always as identity,
    voucher_export int not null,
    sha256 bytea not null,
    file_name books.name not null,
    written_by books.name not null default session_user,
    written_at timestamptz not null default clock_timestamp(),
    constraint export_file_pkey primary key (export_file),
    constraint export_file_voucher_export_fkey foreign key (voucher_export) references books.voucher_export (voucher_export),
    constraint export_file_sha256_check check (length(sha256) = 32),
    constraint export_file_name_check check (length(file_name) <= 255)
);
comment on table books.export_file is
'Files that exports were written to, each time: the first one, and copies. Never changed (23B20). All files of an export have the same bytes (23B57). An export without one was recorded, and its file never came to be.';
comment on column books.export_file.export_file is 'Key';
comment on column books.export_file.voucher_export is 'The export';
comment on column books.export_file.sha256 is 'SHA-256 of the file';
comment on column books.export_file.file_name is 'What the file is called; -: standard output';
comment on column books.export_file.written_by is 'session_user';
comment on column books.export_file.written_at is 'When it had been written';
create index export_file_voucher_export_idx on books.export_file (voucher_export);

-- --- Calls that a client may repeat ---------------------------------------------------------------------------------

create table books.request (
    caller books.name not null,
    function_name text not null,
    request_id books.name not null,
    arguments_sha256 bytea,
    answer jsonb,
    requested_at timestamptz not null default now(),
    constraint request_pkey primary key (caller, function_name, request_id)
);
comment on table books.request is
'Calls that a client may retry. request_pkey: a request id does its work once for a caller and a function. No arguments are kept, only their hash.';
comment on column books.request.caller is 'session_user of the first call';
comment on column books.request.function_name is 'The function, with its schema: billig.refund';
comment on column books.request.request_id is 'The client''s own id of the call';
comment on column books.request.arguments_sha256 is 'sha256 of the arguments; null once the buyer among them was erased';
comment on column books.request.answer is 'What the first call returned';
comment on column books.request.requested_at is 'When';
