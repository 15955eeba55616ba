"""The annotations `auth-type`, `auth-secret`, `auth-secret-type` and `auth-realm`."""

from typing import Final

from translators.dialects.annotations.feature import Feature, Wanted, restricted
from translators.dialects.annotations.reader import Reader, shared
from translators.dialects.annotations.unsupported import Without
from translators.dialects.annotations.values import one_of, printable
from translators.dialects.named_secrets import own_secret
from translators.model.passwords import PasswordFile, PasswordForm
from translators.model.policy import Declared
from translators.policies.basic_auth import BasicAuth

TYPE: Final = shared(
    "auth-type",
    "`basic`: a user and a password are demanded, or 401",
    differs="no `digest`",
    example="basic",
    restricts=True,
)

SECRET: Final = shared(
    "auth-secret",
    "the Secret with the users, in the Ingress's namespace; passwords in the notation `{SHA}`, "
    "`$apr1$`, `$1$` or `{PLAIN}`",
    differs="only a Secret of the Ingress's own namespace; no bcrypt, and no crypt but MD5",
    example="users",
    restricts=True,
)

FORM: Final = shared(
    "auth-secret-type",
    "`auth-file`: htpasswd lines under the key `auth`; `auth-map`: each key is a user",
    default="`auth-file`",
    example="auth-map",
)

_REALM: Final = "Authentication Required"

REALM: Final = shared(
    "auth-realm",
    "what a browser shows when it asks for the password",
    default=f"`{_REALM}`",
    example="Staff only",
)

_CLOSED: Final = Without.CLOSED.value


def read(reader: Reader, wanted: Wanted) -> None:
    """Read who may sign in. What cannot be read closes the paths."""
    if not (reader.has(TYPE) or reader.has(SECRET)):
        return
    kind = reader.find(TYPE, one_of("basic"), _CLOSED)
    secret = reader.find(SECRET, own_secret(reader.namespace), _CLOSED)
    form = reader.read(FORM, _form, _CLOSED)
    realm = reader.read(REALM, printable, f"{_REALM} is shown")
    if kind is not None and not reader.has(SECRET):
        reader.note(kind, "NoPasswords", "auth-secret beside it", _CLOSED)
    if secret is not None and not reader.has(TYPE):
        reader.note(secret, "NoAuthType", "auth-type: basic beside it", _CLOSED)
    if kind is None or secret is None or (form is None and reader.has(FORM)):
        wanted.unusable.add(Without.CLOSED)
        return
    file = PasswordFile(secret.value, form or PasswordForm.FILE)
    policy = BasicAuth(file, realm or _REALM)
    wanted.policies.append(Declared(policy, secret.spelling, secret.text))
    wanted.changes.append(restricted)


def _form(text: str) -> PasswordForm:
    return PasswordForm(one_of(*(form.value for form in PasswordForm))(text))


FEATURE: Final = Feature("Basic authentication", (TYPE, SECRET, FORM, REALM), read)
