"""The settings of provisioning."""

from datetime import timedelta

from pydantic import Field, SecretStr

from shared.settings import BaseUrl, Settings


class ProvisioningSettings(Settings):
    """What provisioning is told besides what every service is."""

    driver_url: BaseUrl = Field(description="Base URL of the online service that sets up what is ordered.")
    driver_secret: SecretStr = Field(description="Secret under which the online service signs its call-backs.")
    public_url: BaseUrl = Field(description="Base URL of this service, to which the online service calls back.")
    ready_within: timedelta = Field(
        default=timedelta(hours=4), description="The promise to customers: ready this long after the order, at the latest."
    )
