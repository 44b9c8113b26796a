-- Our triggers, not PostgreSQL's own: foreign keys are checked on.
alter table billig.purchase disable trigger user;
alter table billig.payment disable trigger user;
alter table billig.payment_line disable trigger user;
alter table billig.ticket disable trigger user;
alter table billig.ticket_group_slot disable trigger user;
alter table billig.transaction_log disable trigger user;
