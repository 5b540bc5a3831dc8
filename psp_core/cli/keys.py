"""The merchants' API keys: made, shown once, rotated and revoked."""

from __future__ import annotations

from datetime import timedelta

import click

from psp_core.adapters.secrets import put_secret
from psp_core.bootstrap import Core
from psp_core.cli.arguments import KeyId, MerchantName
from psp_core.cli.context import operator_core, reason_option, recorded
from psp_core.domain.access import IssuedKey, KeyMode, Scope
from psp_core.usecases.access.manage_api_keys import LIFETIME_MAX, OVERLAP_MAX


@click.group()
def keys() -> None:
    """The merchants' API keys."""


@keys.command(name="create")
@click.argument("customer_id", type=MerchantName())
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice([item.value for item in Scope]))
@click.option("--live/--test", default=None, help="The platform takes one of both: PSP_API_KEY_MODE.")
@click.option("--expires-in-days", type=click.IntRange(1, LIFETIME_MAX.days), help="Without it, the key never expires.")
@reason_option
def create_key(
    customer_id: str, scopes: tuple[str, ...], live: bool | None, expires_in_days: int | None, reason: str
) -> None:
    """Make a key for CUSTOMER_ID and show it, this once."""
    mode = None if live is None else KeyMode.LIVE if live else KeyMode.TEST
    lifetime = None if expires_in_days is None else timedelta(days=expires_in_days)
    core = operator_core()
    if not core.read_fee_plans.knows(customer_id):
        click.echo(f"{customer_id} is new: it has made no transaction, and has no terms and no other key", err=True)
    shown = {"scopes": "+".join(scopes), "expires_in_days": str(expires_in_days or "never")}
    with recorded(core, "keys create", reason, customer_id=customer_id, **shown) as under_way:
        issued = core.manage_api_keys.create(customer_id, scopes=map(Scope, scopes), mode=mode, expires_in=lifetime)
        under_way.did = f"key {issued.key.id}"
        _show(issued, core)


@keys.command(name="rotate")
@click.argument("key_id", type=KeyId())
@click.option(
    "--overlap-hours", type=click.IntRange(0, OVERLAP_MAX // timedelta(hours=1)), default=24, show_default=True
)
@reason_option
def rotate_key(key_id: str, overlap_hours: int, reason: str) -> None:
    """Make another key like KEY_ID, show it this once, and let KEY_ID work for the overlap only."""
    core = operator_core()
    with recorded(core, "keys rotate", reason, key_id=key_id, overlap_hours=str(overlap_hours)) as under_way:
        issued = core.manage_api_keys.rotate(key_id, overlap=timedelta(hours=overlap_hours))
        under_way.did = f"key {issued.key.id} of {issued.key.customer_id}"
        _show(issued, core)
    click.echo(f"{key_id} works for {overlap_hours} more hours at most", err=True)


@keys.command(name="revoke")
@click.argument("key_id", type=KeyId())
@reason_option
def revoke_key(key_id: str, reason: str) -> None:
    """End KEY_ID now: the API refuses it within PSP_API_KEY_CACHE_TTL_S seconds."""
    core = operator_core()
    with recorded(core, "keys revoke", reason, key_id=key_id) as under_way:
        key = core.manage_api_keys.revoke(key_id)
        under_way.did = f"{key_id} of {key.customer_id} was revoked at {key.revoked_at}"
    click.echo(under_way.did)


@keys.command(name="list")
@click.argument("customer_id", required=False, type=MerchantName())
def list_keys(customer_id: str | None) -> None:
    """List CUSTOMER_ID's keys, or everybody's."""
    core = operator_core()
    now = core.clock.now()
    for key in core.manage_api_keys.list(customer_id=customer_id):
        click.echo(
            f"{key.id}  {key.customer_id}  {key.mode}  {'+'.join(sorted(key.scopes))}  {key.status(at=now)}"
            f"  created {key.created_at}  expires {key.expires_at or 'never'}  last used {key.last_used_at or 'never'}"
        )


def _show(issued: IssuedKey, core: Core) -> None:
    if (prefix := core.settings.api_key_secret_prefix) is not None:
        # Where the output is a log: the key goes where only those can read it who may.
        name = f"{prefix}{issued.key.id}"
        put_secret(name, issued.token.text, kms_key_id=core.settings.api_key_secret_kms_key)
        click.echo(f"key {issued.key.id} of {issued.key.customer_id}: its token is the secret {name}")
        return
    # The token alone on the standard output, so that a script can put it where it belongs.
    click.echo(issued.token.text)
    click.echo(f"key {issued.key.id} of {issued.key.customer_id}: it cannot be shown again, keep it safe", err=True)
