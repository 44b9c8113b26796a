-- depends: 0001-roles
create schema report;
comment on schema report is 'Views only: the stable interface for analysts. They run with their owner''s rights.';
