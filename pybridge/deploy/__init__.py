"""Brings a database to the state that db/ and migrations/ describe, in one transaction (DESIGN 2)."""

from pybridge.deploy.deployer import DeployRefused, DeployResult, OtherCheckout, deploy, schema_fingerprint

__all__ = ["DeployRefused", "DeployResult", "OtherCheckout", "deploy", "schema_fingerprint"]
