"""MseIngressConfig, the object that declares an MSE gateway, with the fields that are read."""

from pydantic import Field, StrictStr

from fleet.models import AsWritten, GatewayObject, Model


class MseIngressLocal(Model):
    """The selection of Ingresses, which `translators.model.gateways.Selector` describes."""

    ingress_class: StrictStr | None = None
    watch_namespace: StrictStr = ""


class MseAccess(Model):
    """The access lists of a gateway. Empty lists let every client in."""

    whitelist: tuple[AsWritten, ...] = ()
    blacklist: tuple[AsWritten, ...] = ()


class MseGlobal(Model):
    """`MseIngressConfig.spec.global`: settings for all requests of a gateway."""

    ip_access_control: MseAccess = MseAccess()


class MseIngressSettings(Model):
    """`MseIngressConfig.spec.ingress`."""

    local: MseIngressLocal = MseIngressLocal()


class MseInstance(Model):
    """The number of Envoys, and the size of each of them, such as 2c4g."""

    replicas: AsWritten | None = None
    spec: AsWritten | None = None


class MseNetwork(Model):
    """The load balancers in front of the gateway. Each is declared by its size."""

    public_slb_spec: AsWritten | None = Field(default=None, alias="publicSLBSpec")
    private_slb_spec: AsWritten | None = Field(default=None, alias="privateSLBSpec")


class MseCommon(Model):
    """`MseIngressConfig.spec.common`: the Envoys and load balancers of a managed gateway."""

    instance: MseInstance = MseInstance()
    network: MseNetwork = MseNetwork()


class MseIngressConfigSpec(Model):
    """`MseIngressConfig.spec`."""

    name: StrictStr = ""
    common: MseCommon = MseCommon()
    global_: MseGlobal = Field(default=MseGlobal(), alias="global")
    ingress: MseIngressSettings = MseIngressSettings()


class MseIngressConfig(GatewayObject):
    """`mse.alibabacloud.com/v1alpha1` MseIngressConfig: one MSE gateway."""

    spec: MseIngressConfigSpec = MseIngressConfigSpec()
