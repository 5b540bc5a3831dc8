"""Secrets Manager, for a secret that a person has to fetch and no log may show."""

from __future__ import annotations


def put_secret(name: str, text: str, *, kms_key_id: str | None) -> None:
    """Create the secret `name`, encrypted with the key or the account's own. Raises botocore's errors."""
    # Only for the one option that needs it: it takes longer than most commands.
    import boto3

    key = {} if kms_key_id is None else {"KmsKeyId": kms_key_id}
    boto3.client("secretsmanager").create_secret(Name=name, SecretString=text, **key)
