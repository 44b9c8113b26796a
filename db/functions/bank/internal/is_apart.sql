create or replace function bank.is_apart(p_one bank.statement, p_other bank.statement)
returns boolean
language sql immutable parallel safe
set search_path = pg_catalog, bank, pg_temp
begin atomic
    select coalesce(
        p_one.kind = 'STATEMENT' and p_other.kind = 'STATEMENT' and (
            -- pages of one
            p_one.statement_id = p_other.statement_id
            and p_one.sequence_number is not distinct from p_other.sequence_number
            and p_one.page <> p_other.page
            -- numbered, of the same days; or, without balances, neither the day's of the other's month; or one goes on where
            -- the other ended
            or p_one.sequence_number <> p_other.sequence_number
            and (
                (p_one.from_day, p_one.to_day) = (p_other.from_day, p_other.to_day)
                or not (p_one.has_place and p_other.has_place)
                and not (p_one.from_day <= p_other.from_day and p_other.to_day <= p_one.to_day)
                and not (p_other.from_day <= p_one.from_day and p_one.to_day <= p_other.to_day)
                or p_one.sequence_number = p_other.sequence_number + 1
                and p_one.opening_balance = p_other.closing_balance
                or p_other.sequence_number = p_one.sequence_number + 1
                and p_other.opening_balance = p_one.closing_balance
            )
            -- one of them has a gap, and one begins where the other ended, on the last of its days or later
            or (p_one.gap_reason is not null or p_other.gap_reason is not null)
            and p_one.opening_balance <> p_other.opening_balance
            and (
                p_one.opening_balance = p_other.closing_balance and p_one.from_day >= p_other.to_day
                or p_other.opening_balance = p_one.closing_balance and p_other.from_day >= p_one.to_day
            )
        ), false);
end;

comment on function bank.is_apart(bank.statement, bank.statement) is
'Whether two statements of an account tell of different entries by what they are called: pages of one, or numbered side by side; or one of them has a gap, and one begins where the other ended. Where their names do not say so, their balances do. False too where nothing is known.';
