create schema billig;
comment on schema billig is 'Ticketing, payments and the transaction log; names as the legacy clients know them';
create schema report;
comment on schema report is 'Views only: the stable interface for analysts. They run with their owner''s rights.';
create schema consistency;
comment on schema consistency is 'Views only: each returns a row for each broken invariant, else none';
create schema analysis;
comment on schema analysis is 'The analysts'' own views; the project defines nothing here';
