"""Who may call the API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from psp_core.bootstrap.parts import Parts
from psp_core.domain.access import Pepper
from psp_core.domain.kernel.errors import ApiKeysNotConfigured
from psp_core.settings import Settings
from psp_core.usecases.access.authenticate import Authenticate
from psp_core.usecases.access.manage_api_keys import ManageApiKeys


@dataclass(frozen=True)
class Access(Parts):
    """The check of the callers, and the care of their keys."""

    @cached_property
    def authenticate(self) -> Authenticate:
        """The API's check of its callers; raises ApiKeysNotConfigured when there is no pepper."""
        if (pepper := _pepper(self.settings)) is None:
            raise ApiKeysNotConfigured("API keys need a pepper: set PSP_API_KEY_PEPPER")
        ttl = timedelta(seconds=self.settings.api_key_cache_ttl_s)
        return Authenticate(self.store, self.clock, pepper, self.settings.api_key_mode, ttl)

    @cached_property
    def manage_api_keys(self) -> ManageApiKeys:
        return ManageApiKeys(self.store, self.clock, _pepper(self.settings), self.settings.api_key_mode)


def _pepper(settings: Settings) -> Pepper | None:
    secret = settings.api_key_pepper
    return Pepper(secret.get_secret_value().encode()) if secret else None
