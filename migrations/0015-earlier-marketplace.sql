-- depends: 0009-analysis
-- A marketplace that ran before: the balance that a profile begins with, and the past as history, which is compared and never charged.

-- --- The balance that a profile begins with ---------------------------------------------------------------------------

insert into marketplace.account_name (account, is_persons) values ('BROUGHT', false);
comment on column marketplace.account_name.account is
'RECEIVABLE: the profile owes us; CHARGING: of that, a charge is under way; PAYABLE: we owe it; PAYING: of that, a payout or refund is under way; PURSE: money that we have; CLICKS: what months cost and earned; BROUGHT: what an earlier marketplace left; GIVEN_BACK: charges given back; RETURNED: on its way from a payment that came back to the row that owes it again; FORGIVEN: reduced and written off, the operator''s loss; BY_HAND: given or asked by a person''s decision; DISPUTED: taken back by a gateway; LOST: and not won; OWNER: the operator; FEES: of gateways; TRANSFER: on its way between purses';
comment on column marketplace.account_entry.kind is
'MONTH: a month was closed; BROUGHT: the balance of an earlier marketplace; CORRECTION: ADJUSTMENT that owes again what came back; REFUND: a charge is to be given back; OFFSET: months were set off against each other; PREPARED, CALLED_OFF, CHARGED, PAID: an attempt began, ended in vain, or succeeded; CAME_BACK; DISPUTED, WON, LOST: a charge; CALLED_BACK: a refund that was called off; BY_HAND: a GOODWILL or FEE; PAID_OUTSIDE, FORGIVEN, DONATED, UNDONE: a settlement, and its end; RESERVE, TRANSFER, FEE, WITHDRAWN: a purse_movement';

alter table marketplace.transaction add column stands boolean;
-- Each is replaced by a looser one in the same transaction, in which all of a deploy is: NOT VALID would lock no less.
-- squawk-ignore-file ban-drop-constraint, constraint-missing-not-valid
alter table marketplace.transaction drop constraint transaction_kind_check;
alter table marketplace.transaction drop constraint transaction_corrects_check;
alter table marketplace.transaction drop constraint transaction_by_hand_check;
alter table marketplace.transaction
add constraint transaction_kind_check
check (kind in ('MONTHLY', 'ADJUSTMENT', 'REFUND', 'GOODWILL', 'FEE', 'BROUGHT')),
add constraint transaction_corrects_check check (
    case kind
        when 'MONTHLY' then corrects is null
        else
            (corrects is not null or kind in ('GOODWILL', 'FEE', 'BROUGHT')) and reason <> '' and reason is not null
            and carried_in = 0 and corrected = 0 and offset_in = 0
            and status in ('NEW', 'EXECUTED', 'FAILED', 'CALLED_OFF')
    end
),
add constraint transaction_by_hand_check check (
    case kind
        when 'GOODWILL' then due_amount < 0 when 'FEE' then due_amount > 0 when 'BROUGHT' then due_amount <> 0
        else true
    end
),
add constraint transaction_stands_check check (stands is null or stands and kind = 'BROUGHT' and corrects is null);
create unique index transaction_brought_key on marketplace.transaction (profile) where stands;
comment on index marketplace.transaction_brought_key is 'A profile begins with one balance';
create unique index transaction_brought_undone_key on marketplace.transaction (corrects) where kind = 'BROUGHT';
comment on index marketplace.transaction_brought_undone_key is 'The balance that a profile began with is undone once';
comment on column marketplace.transaction.kind is
'MONTHLY, ADJUSTMENT or REFUND; GOODWILL: given to the profile by hand; FEE: asked of it by hand; BROUGHT: the balance that it had in an earlier marketplace, or the opposite, which undoes one';
comment on column marketplace.transaction.stands is
'Of BROUGHT: true, it is the balance that the profile began with (transaction_brought_key: one); null once it is undone, and of everything else';
comment on column marketplace.transaction.corrects is
'Of ADJUSTMENT and REFUND: the transaction that it corrects; of GOODWILL, FEE and BROUGHT: the one that it undoes, null: none';
comment on column marketplace.transaction.minimum is
'NOK: the minimum that applied when it was closed, or a balance was brought over, in the direction that it had; null: CURRENT, or of another kind';
comment on column marketplace.transaction.request_id is
'Of a REFUND, GOODWILL or FEE: the caller''s own name of the request, so that it is made once; of a BROUGHT: the number of its document; of an ADJUSTMENT: the key of the payment that came back. Part of the key that a gateway is given, so that a restored ledger makes the same one again; at most 200 characters; null: of neither';

-- --- History ----------------------------------------------------------------------------------------------------------

create table marketplace.earlier_click (
    click_time timestamptz not null,
    advertisement bigint not null,
    click_id books.name not null,
    profile bigint not null,
    website bigint,
    publisher bigint,
    price numeric(12, 6) not null,
    commission_rate numeric(7, 6) not null,
    publisher_share numeric(12, 6) not null,
    recorded_at timestamptz not null default now(),
    recorded_by books.name not null default session_user,
    constraint earlier_click_pkey primary key (click_time, advertisement, click_id),
    constraint earlier_click_advertisement_fkey
    foreign key (advertisement) references marketplace.advertisement (advertisement),
    constraint earlier_click_website_fkey foreign key (website) references marketplace.website (website),
    constraint earlier_click_click_id_check check (click_id <> '' and length(click_id) <= 200),
    constraint earlier_click_price_check check (price >= 0 and price < 1000000),
    constraint earlier_click_share_check check (
        (website is null) = (publisher is null)
        and publisher_share = case when website is null then 0 else trunc(price * (1 - commission_rate), 6) end
    )
);
comment on table marketplace.earlier_click is
'Clicks that an earlier marketplace has charged, as history: nothing that charges or pays reads this table, and ad_click has none of them. Compared with earlier_charge in report.marketplace_earlier. Before the first month of this marketplace is closed, and of it or of months before (23B96). Never changed (23B62).';
comment on column marketplace.earlier_click.click_time is 'When; however long ago';
comment on column marketplace.earlier_click.advertisement is 'What was clicked';
comment on column marketplace.earlier_click.click_id is
'What the earlier marketplace called it, at most 200 characters: with time and advertisement its name, as in click_name';
comment on column marketplace.earlier_click.profile is 'The advertiser, owner of the advertisement';
comment on column marketplace.earlier_click.website is 'Where; null: on a page of our own, nobody is paid';
comment on column marketplace.earlier_click.publisher is 'Owner of the website; null: no website';
comment on column marketplace.earlier_click.price is 'NOK that it cost, six decimals, not negative';
comment on column marketplace.earlier_click.commission_rate is 'Fraction of the price that was kept, as commission_rate has it of that time';
comment on column marketplace.earlier_click.publisher_share is
'NOK to the website''s owner: price * (1 - commission_rate), down to the micro-unit; 0 without website';
comment on column marketplace.earlier_click.recorded_at is 'When it was brought here';
comment on column marketplace.earlier_click.recorded_by is 'session_user who brought it';
create index earlier_click_profile_idx on marketplace.earlier_click (profile, click_time);
create index earlier_click_publisher_idx on marketplace.earlier_click (publisher, click_time) where publisher is not null;
create index earlier_click_advertisement_idx on marketplace.earlier_click (advertisement);
create index earlier_click_website_idx on marketplace.earlier_click (website) where website is not null;

create table marketplace.earlier_charge (
    profile bigint not null,
    month date not null,
    document books.name not null,
    amount numeric(14, 2) not null,
    recorded_at timestamptz not null default now(),
    recorded_by books.name not null default session_user,
    constraint earlier_charge_pkey primary key (profile, month, document),
    constraint earlier_charge_profile_fkey foreign key (profile) references marketplace.profile (profile),
    constraint earlier_charge_month_check check (extract(day from month) = 1 and month::books.day = month),
    constraint earlier_charge_document_check check (document <> '' and length(document) <= 200),
    constraint earlier_charge_amount_check check (amount <> 0)
);
comment on table marketplace.earlier_charge is
'What the job of an earlier marketplace charged and paid, as history: it moves nothing, and is compared with what earlier_click says was due. As long as earlier_click is taken (23B96). Never changed (23B62).';
comment on column marketplace.earlier_charge.profile is 'Who was charged or paid';
comment on column marketplace.earlier_charge.month is 'The first of the month that it was for';
comment on column marketplace.earlier_charge.document is
'The earlier marketplace''s number of it, at most 200 characters; a month that was charged twice has two';
comment on column marketplace.earlier_charge.amount is 'NOK, whole øre: above 0 charged, below 0 paid';
comment on column marketplace.earlier_charge.recorded_at is 'When it was brought here';
comment on column marketplace.earlier_charge.recorded_by is 'session_user who brought it';
comment on table marketplace.click_window is
'The times that a click may have, one row (click_window_once_check): by whichever door it comes, but for a raw INSERT by the database''s owner. What an earlier marketplace has charged is no click of this one: record_earlier_clicks takes it, of any time. A database marked for tests holds only files to it, by their p_now.';
