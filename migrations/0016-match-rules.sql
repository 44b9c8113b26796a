-- depends: 0015-bank
-- More ways to know whose a deposit is (T12), and the names that the requirement has.

insert into bank.match_rule (rule, rule_order, is_automatic, rule_note)
values
('KID', 12, true, 'The same as REFERENCE, by KID, whatever zeros stand before it'),
('TEXT', 42, false, 'The same, by a word of what the bank or the payer wrote'),
('SUBSET', 43, false, 'Some items of one road, whose sum less fees is the entry: the only such sum (bank.few_sums)'),
('SPLIT', 46, false, 'Two to four entries whose sum is an item less its fee: the only such sum');

-- Loaded anew under other names: approve_match and report.fee.
-- squawk-ignore ban-drop-function
drop function if exists bank.confirm_match(bigint, text);
-- squawk-ignore ban-drop-view
drop view if exists report.bank_fee;

-- By what bank.reference_key makes of a reference.
-- squawk-ignore require-concurrent-index-deletion
drop index bank.expected_reference_idx;
create index expected_reference_key_idx on bank.expected (ltrim(reference, '0')) where reference <> '';
