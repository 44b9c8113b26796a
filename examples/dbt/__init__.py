"""A small dbt project on schema report: increments by the watermark, a snapshot of prices, docs from our COMMENTs."""
