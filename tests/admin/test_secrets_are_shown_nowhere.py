"""No output, log, answer or file of fleetgate has the content of a Secret."""

import base64
import signal
from pathlib import Path
from urllib.request import urlopen

from tests.cli.commands import FLEETGATE, Staying, fleetgate
from tests.support.builders import ingress, mse_gateway, secret, service, slice_of, write
from tests.support.certificates import certificate, tls_data

KEPT = "kept-by-a-secret"
HASHES = (
    "W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
    "Bfp5AzKOqE4xZ4TL2QYVq1",
    "N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
)
HTPASSWD = (
    f"anna:{{SHA}}{HASHES[0]}\nbert:$apr1$kxMl1OSg${HASHES[1]}\ndora:$2y$10${HASHES[2]}\n{KEPT}"
)
ENCODED = base64.b64encode(KEPT.encode()).decode()


def test_no_page_no_log_no_file_and_no_command_shows_it(tmp_path: Path) -> None:
    """This holds for a good Secret, for one with a mistake, and for a key in the wrong place."""
    root, state = tmp_path / "fleet", tmp_path / "state"
    write(root, "hub/gateway.yaml", mse_gateway("shop", members=["east"]))
    web = ingress("web", host="shop.example").path("/", to="web:80").of_class("mse")
    entries = [{"hosts": ["shop.example"], "secretName": name} for name in ("good", "bad")]
    good = secret("good", {"tls.crt": ENCODED, "tls.key": ENCODED})
    bad = secret("bad", {"tls.crt": ENCODED, "tls.key": f"{KEPT}!"})
    auth = "nginx.ingress.kubernetes.io/auth"
    signed = {f"{auth}-type": "basic", f"{auth}-secret": "users"}
    users = secret("users", {"auth": base64.b64encode(HTPASSWD.encode()).decode()})
    tls = web.with_spec(tls=entries).annotate(signed)
    write(root, "hub/web.yaml", tls, good, bad, users)
    pair = certificate("real.example")
    mixed = base64.b64encode(pair.certificate + pair.key).decode()
    real = secret("real", {**tls_data(pair), "ca.crt": mixed})
    host = ingress("host", host="real.example").path("/", to="web:80").of_class("mse")
    host = host.annotate({f"{auth}-tls-secret": "real"})
    write(root, "hub/host.yaml", host.tls("real", "real.example"), real)
    key = pair.key.decode().splitlines()[1]
    write(root, "clusters/east/web.yaml", service("web"), slice_of("web", addresses=["10.0.0.1"]))

    command = ("serve", root, "--xds-port", "0", "--admin-port", "0", "--state-dir", state)
    with Staying((*FLEETGATE, "-v", *command), "xDS on ") as serve:
        shown = {
            page: urlopen(f"http://127.0.0.1:{serve.admin_port}/{page}").read().decode()
            for page in ("status", "statuses", "metrics", "readyz")
        }
        asked = {"text": serve.ask("status"), "log": serve.end(signal.SIGTERM)}
    asked |= {command: fleetgate(command, root) for command in ("check", "translate")}

    assert "bad" in shown["status"]
    assert "shop.example" in (state / "hub.fleet").read_text()
    shown |= {name: ended.out + ended.err for name, ended in asked.items()}
    shown |= {file.name: file.read_text() for file in state.iterdir()}
    hidden = (KEPT, ENCODED, *HASHES, key, mixed, tls_data(pair)["tls.key"])
    assert "'dora' in the Secret" in shown["check"]
    assert [name for name, text in shown.items() if any(each in text for each in hidden)] == []
