create or replace function bank.text_keys(p_text text)
returns setof text
language sql immutable parallel safe
begin atomic
    with word as (
        select
            w.word as a,
            lead(w.word) over u as b,
            lead(w.word, 2) over u as c,
            lead(w.word, 3) over u as d,
            lead(w.word, 4) over u as e
        from regexp_split_to_table(upper(p_text), '[^[:alnum:]]+') with ordinality as w (word, place)
        where w.word <> ''
        window u as (order by w.place)
    )

    select distinct ltrim(k.key, '0')
    from word as w
    cross join lateral (
        values
        (w.a, 0), (w.a || w.b, 1), (w.a || w.b || w.c, 2), (w.a || w.b || w.c || w.d, 3),
        (w.a || w.b || w.c || w.d || w.e, 4)
    ) as k (key, breaks)
    where k.key ~ '[0-9]' and length(ltrim(k.key, '0')) + k.breaks between 4 and 140;
end;

comment on function bank.text_keys(text) is
'What a text may name, as bank.reference_key has it: its words, and up to five that follow each other, of four characters (what is between the words counts) and a digit at least.';
