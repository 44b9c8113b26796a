-- depends: 0001-roles
create schema analysis;
comment on schema analysis is 'The analysts'' own views; the project defines nothing here';
