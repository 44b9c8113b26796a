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
insert into books.vat_code (vat_code, vat_code_name, vat_code_note, ticket_warning)
values
(
    3, 'Utgående merverdiavgift, alminnelig sats',
    'Regular rate: what nothing exempts, such as disco, food and drink that is served (§ 5-2), merchandise', null
),
(
    31, 'Utgående merverdiavgift, middels sats', 'Middle rate: food that is not served (§ 5-2)',
    'food that is served where it is sold has code 3: 31 is for food that is taken away'
),
(
    33, 'Utgående merverdiavgift, lav sats',
    'Low rate: cinema (§ 5-6), museums and galleries (§ 5-9), amusement parks (§ 5-10), sport of an organiser that must register for it (§ 5-11)',
    null
),
(
    5, 'Innenlands omsetning og uttak fritatt for merverdiavgift', 'Zero-rated: sales within the Act that chapter 6 exempts',
    'entry is hardly ever zero-rated: concerts, theatre and revue are outside the Act, code 6'
),
(
    6, 'Omsetning og uttak utenfor merverdiavgiftsloven',
    'Outside the Act, and so is the fee: concerts, theatre, revue, stand-up, circus, dance with live music (§ 3-7), teaching (§ 3-5), a single sports event (§ 3-8)',
    null
),
(
    7, 'Ingen merverdiavgiftsbehandling (inntekter)', 'No VAT treatment: income that is no sale, such as gifts and grants', null
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
    constraint organisation_legal_name_check
    check (legal_name !~ '^$|^[\s\u00A0\u2000-\u200A\u202F\u3000]|[\s\u00A0\u2000-\u200A\u202F\u3000]$|[\u0001-\u001F\u007F-\u009F\u00AD\u200B-\u200F\u2028-\u202E\u2060-\u2069\uFEFF]'),
    constraint organisation_address_check
    check (address !~ '^$|^[\s\u00A0\u2000-\u200A\u202F\u3000]|[\s\u00A0\u2000-\u200A\u202F\u3000]$|[\u0001-\u001F\u007F-\u009F\u00AD\u200B-\u200F\u2028-\u202E\u2060-\u2069\uFEFF]'),
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
'What the law wants to be told of an organisation on a receipt: a row per change, never changed itself (23B20), made by books.set_organisation alone. On a day the row with the latest valid_from that is not after it holds; of rows with the same valid_from, the newest. Versions are committed in order, so that a receipt can keep the last one that its original knew. organisation_number_check: the check digit is right (modulus 11, weights 3 2 7 6 5 4 3 2; Brønnøysundregistrene). organisation_legal_name_check, organisation_address_check: not blank, nothing invisible, no white space at the edges.';
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
('PREPAID', 5, 'Forskudd for billetter', false, false, false, 'REVENUE and FEE of an event that has not been held: credit, on the rule''s deferred account'),
('VAT', 6, 'Utgående mva', true, true, false, 'VAT of prices and fees, on the day of sale: credit'),
('RELEASE', 7, 'Forskudd til inntekt', false, false, false, 'What was prepaid, on the day the event is held: debit of the deferred account, credit of the account; the other way round where it is put off after that'),
('TRANSFER', 8, 'Mellomregning', true, false, false, 'Between organisations: debit where the tickets are, credit where the money for them lies. Of a payment around midnight also between its days'),
('OWED_BACK', 9, 'Skyldig kjøpere', true, false, true, 'Money that came too late for its tickets: credit until it is paid back'),
('CASH_DIFFERENCE', 10, 'Kassedifferanse', true, false, true, 'Counted less expected when a till session closed: credit where there was too much'),
('PAY_IN', 11, 'Innskudd i kasse', true, false, true, 'Cash put into a drawer that no sale brought: credit'),
('PAY_OUT', 12, 'Uttak fra kasse', true, false, true, 'Cash taken out of a drawer that no refund took: debit');

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
