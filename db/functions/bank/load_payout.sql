create or replace function bank.load_payout(
    p_route_name text, p_file_name text, p_content_sha256 bytea, p_format text
)
returns table (
    import_file bigint, payouts bigint, known_payouts bigint, amount numeric, lines bigint, waiting_lines bigint,
    waiting_amount numeric, left_out text []
)
language plpgsql security definer
set search_path = pg_catalog, bank, pg_temp
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
    v_route int;
    v_import_file bigint;
begin
    perform books.check_text('p_route_name', p_route_name, 'p_file_name', p_file_name, 'p_format', p_format);
    v_import_file := bank.add_import_file(
        array['file_payout', 'file_payout_line'], p_file_name, p_content_sha256, p_format
    );
    -- One report at a time per route.
    select r.route into v_route from bank.route as r where r.route_name = p_route_name for update;
    if not found then
        raise exception 'there is no settlement route %', p_route_name using
            errcode = 'P0002',
            detail = 'A payout comes by a settlement route.',
            hint = 'See bank.route; set_route adds one.';
    end if;
    left_out := bank.leave_out_payouts(v_route);
    perform bank.check_numbers('23B87');
    perform bank.check_payout();
    import_file := v_import_file;
    select t.payouts, t.known_payouts, t.amount, t.lines, t.waiting_lines, t.waiting_amount
    into payouts, known_payouts, amount, lines, waiting_lines, waiting_amount
    from bank.take_payout(v_import_file, v_route) as t;
    return next;
end;
$$;

comment on function bank.load_payout(text, text, bytea, text) is
'Loads what is in file_payout and file_payout_line of begin_import as payouts by a settlement route, all or nothing, each payout once. payouts, amount (NOK paid) and lines: in the file; known_payouts: loaded before; waiting_lines, waiting_amount (NOK): not paid out yet, left out; left_out: what is in another currency than the route''s account, one text per currency. 22023; 23B87 what does not add up or is not in NOK, DETAIL says the line; 23B88 a payout that was loaded before, with other lines; P0002 no such route.';
