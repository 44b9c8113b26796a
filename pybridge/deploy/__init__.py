"""Brings a database to the state that db/ and migrations/ describe, in one transaction."""

from pybridge.deploy.deployer import DeployBusy, DeployRefused, DeployResult, OtherCheckout, deploy, schema_fingerprint

__all__ = ["DeployBusy", "DeployRefused", "DeployResult", "OtherCheckout", "deploy", "schema_fingerprint"]
