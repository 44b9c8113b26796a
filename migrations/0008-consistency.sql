-- depends: 0001-roles
create schema consistency;
comment on schema consistency is 'Views only: each returns a row for each broken invariant, else none';
