"""A small dbt project on schema report: increments by the watermark, a snapshot of prices, and docs from our COMMENTs."""
