"""AlbConfig, the object that declares an ALB gateway, with the fields that fleetgate reads."""

from fleet.models import AsWritten, GatewayObject, Item, Model


class AlbAcl(Model):
    """The access list of a listener. An empty list lets every client in."""

    acl_entries: tuple[AsWritten, ...] = ()
    acl_ids: tuple[AsWritten, ...] = ()


class AlbListener(Item):
    """One listener. Its fields are read as written, so that a wrong value costs this entry only."""

    port: AsWritten | None = None
    protocol: AsWritten | None = None
    request_timeout: AsWritten | None = None
    idle_timeout: AsWritten | None = None
    gzip_enabled: AsWritten | None = None
    acl_config: AlbAcl = AlbAcl()


class AlbSettings(Model):
    """`AlbConfig.spec.config`."""

    name: AsWritten | None = None
    id: AsWritten | None = None
    address_type: AsWritten | None = None


class AlbConfigSpec(Model):
    """`AlbConfig.spec`."""

    config: AlbSettings = AlbSettings()
    listeners: tuple[AlbListener, ...] = ()


class AlbConfig(GatewayObject):
    """`alibabacloud.com/v1` AlbConfig: one ALB gateway."""

    spec: AlbConfigSpec = AlbConfigSpec()
