-- Roles belong to the cluster, and another database may use them: they stay.
select 'the group roles stay';
