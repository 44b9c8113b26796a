-- depends: 0009-analysis
-- A bank that is asked twice in a day says more the second time, under the same name; and in another format or other
-- words the same. What is in both is one entry all the same: a place in the account's chain says so.
-- Deploying is one transaction, so not concurrently.
-- squawk-ignore require-concurrent-index-deletion
drop index bank.statement_place_key;
create unique index statement_place_key on bank.statement (
    account, statement_id, sequence_number, page, from_day, to_day, opening_balance, content_key
) nulls not distinct where kind = 'STATEMENT' and gap_reason is null;

-- It is told of what the two statements are to each other, from here on.
-- squawk-ignore ban-drop-function
drop function if exists bank.pair_stretch(int, bigint, int, int, bigint, boolean);
