"""The object that declares an MSE gateway, with the fields that are read of it."""

from pydantic import Field, StrictStr

from fleet.models import AsWritten, GatewayObject, Model


class MseIngressLocal(Model):
    """Which Ingresses a gateway listens to; see compatibility notes in the documentation."""

    ingress_class: StrictStr | None = None
    watch_namespace: StrictStr = ""


class MseAccess(Model):
    """Which clients a gateway is for: all of them, where nobody is listed."""

    whitelist: tuple[AsWritten, ...] = ()
    blacklist: tuple[AsWritten, ...] = ()


class MseGlobal(Model):
    """`MseIngressConfig.spec.global`: what goes for all requests of a gateway."""

    ip_access_control: MseAccess = MseAccess()


class MseIngressSettings(Model):
    """`MseIngressConfig.spec.ingress`."""

    local: MseIngressLocal = MseIngressLocal()


class MseInstance(Model):
    """How many Envoys, and how large each of them, such as 2c4g."""

    replicas: AsWritten | None = None
    spec: AsWritten | None = None


class MseNetwork(Model):
    """Which load balancers stand in front, by their sizes."""

    public_slb_spec: AsWritten | None = Field(default=None, alias="publicSLBSpec")
    private_slb_spec: AsWritten | None = Field(default=None, alias="privateSLBSpec")


class MseCommon(Model):
    """`MseIngressConfig.spec.common`: what gateways that fleetgate runs consist of."""

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
