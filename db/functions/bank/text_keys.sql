create or replace function bank.text_keys(p_text text)
returns text[]
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
set datestyle = 'ISO, MDY'
as $$
declare
    v_words constant text[] := regexp_split_to_array(upper(coalesce(p_text, '')), '[^[:alnum:]]+');
    v_keys text[] := array[]::text[];
    v_key text;
begin
    -- A loop, for speed: as one query it takes five times as long.
    for v_first in 1..cardinality(v_words) loop
        v_key := '';
        for v_last in v_first..least(v_first + 3, cardinality(v_words)) loop
            v_key := v_key || v_words[v_last];
            -- what is between the words counts
            if v_key ~ '[0-9]' and length(ltrim(v_key, '0')) + v_last - v_first between 4 and 140 then
                v_keys := v_keys || ltrim(v_key, '0');
            end if;
        end loop;
    end loop;
    return v_keys;
end;
$$;

comment on function bank.text_keys(text) is
'What a text may name, as bank.reference_key has it: its words, and up to four that follow each other, of four characters (what is between the words counts) and a digit at least.';
