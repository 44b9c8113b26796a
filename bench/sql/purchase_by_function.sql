\set group random(1, :groups)
select purchase, payment, ticket, price_group, price, fee
from billig.create_purchase('STAND', array[:group::int], array[4], 'bench_seller', 1, array['CARD']);
