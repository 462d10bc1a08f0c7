"""The provider's own configuration, as `pulumi_kubernetes.Provider` and the stack give it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sandbox.plugins.kubernetes.kubeconfig import Selection

VARIABLE_PREFIX: Final = "kubernetes:config:"
ENVIRONMENT: Final = {
    "deleteUnreachable": "PULUMI_K8S_DELETE_UNREACHABLE",
    "skipUpdateUnreachable": "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE",
    "enableServerSideApply": "PULUMI_K8S_ENABLE_SERVER_SIDE_APPLY",
    "enableConfigMapMutable": "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE",
    "enableSecretMutable": "PULUMI_K8S_ENABLE_SECRET_MUTABLE",
    "enablePatchForce": "PULUMI_K8S_ENABLE_PATCH_FORCE",
    "upsertExistingObjects": "PULUMI_K8S_UPSERT_EXISTING_OBJECTS",
}
# Settings of parts that this provider does not have: naming one must fail, not be ignored.
UNSUPPORTED: Final = ("renderYamlToDirectory", "alwaysRender", "helmReleaseSettings")


class SettingsError(Exception):
    """A setting cannot be honoured."""


@dataclass(frozen=True)
class Settings:
    """How the provider behaves; each flag has the meaning of the official provider's option of that name."""

    selection: Selection = field(default_factory=Selection)
    delete_unreachable: bool = False
    skip_update_unreachable: bool = False
    config_map_mutable: bool = False
    secret_mutable: bool = False
    patch_force: bool = False
    upsert_existing: bool = False
    await_all: bool = False


def read_settings(variables: Mapping[str, str], environment: Mapping[str, str]) -> Settings:
    """Return the settings; the provider's own come before the environment's. Raises SettingsError."""
    for name in UNSUPPORTED:
        if variables.get(VARIABLE_PREFIX + name) not in {None, "", "false"}:
            raise SettingsError(
                f"the provider option `{name}` needs the official pulumi-kubernetes plug-in; "
                "this stand-in does not have it: remove the option or install the plug-in"
            )

    def flag(name: str, *, default: bool = False) -> bool:
        value = variables.get(VARIABLE_PREFIX + name, environment.get(ENVIRONMENT[name]))
        return default if value is None else value == "true"

    if not flag("enableServerSideApply", default=True):
        raise SettingsError(
            "the provider option `enableServerSideApply: false` needs the official pulumi-kubernetes plug-in; "
            "this stand-in only knows server-side apply: remove the option or install the plug-in"
        )

    def setting(name: str) -> str:
        return variables.get(VARIABLE_PREFIX + name, "")

    return Settings(
        selection=Selection(
            source=setting("kubeconfig"),
            context=setting("context"),
            cluster=setting("cluster"),
            namespace=setting("namespace"),
        ),
        delete_unreachable=flag("deleteUnreachable"),
        skip_update_unreachable=flag("skipUpdateUnreachable"),
        config_map_mutable=flag("enableConfigMapMutable"),
        secret_mutable=flag("enableSecretMutable"),
        patch_force=flag("enablePatchForce"),
        upsert_existing=flag("upsertExistingObjects"),
        await_all=environment.get("PULUMI_K8S_AWAIT_ALL") == "true",
    )
