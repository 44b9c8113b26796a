create or replace function marketplace.words_of_people()
returns text []
language sql immutable parallel safe
return array[
    'reason', 'release_reason', 'resume_reason', 'reopen_reason', 'undo_reason', 'ended_reason', 'note', 'message'
];

comment on function marketplace.words_of_people() is
'Columns of the marketplace in which people and gateways write what they like: they may name somebody, and erase_profile looks there.';
