drop table
billig.ticket_refusal, billig.service_role, billig.cash_point, billig.transaction_type, billig.sale_channel,
billig.payment_method, billig.project, billig.vat_rate, billig.vat_code, billig.event_type, billig.organisation
cascade;
