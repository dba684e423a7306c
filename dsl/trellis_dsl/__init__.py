"""The vocabulary that a stack is written in; needs the standard library only."""

from trellis_dsl.allowing import Allow, allow_from
from trellis_dsl.config import Config, ConfigRef, default, required, secret, uses
from trellis_dsl.endpoints import (
    Address,
    Balanced,
    Connection,
    ConnectionRef,
    Endpoint,
    EndpointRef,
    Health,
    Peer,
    balanced,
    command,
    connects_to,
    http,
    listens,
    tcp,
)
from trellis_dsl.errors import StackError, TrellisError, UsageError
from trellis_dsl.files import (
    File,
    dynamic_file,
    initial_file,
    secret_file,
    static_file,
    static_folder,
    template_file,
)
from trellis_dsl.location import Location
from trellis_dsl.policies import (
    Count,
    Policy,
    Runs,
    at_least,
    between,
    exactly,
    one_per_host,
    one_per_role,
    runs,
)
from trellis_dsl.secret import Secret
from trellis_dsl.service import HostView, Role, Service
from trellis_dsl.sites import Handling, Site, site
from trellis_dsl.stack import Stack, service
from trellis_dsl.storage import Mount, Storage, mounts
from trellis_dsl.updates import Rollout, Update, update_from

__all__ = [
    "Address",
    "Allow",
    "Balanced",
    "Config",
    "ConfigRef",
    "Connection",
    "ConnectionRef",
    "Count",
    "Endpoint",
    "EndpointRef",
    "File",
    "Handling",
    "Health",
    "HostView",
    "Location",
    "Mount",
    "Peer",
    "Policy",
    "Role",
    "Rollout",
    "Runs",
    "Secret",
    "Service",
    "Site",
    "Stack",
    "StackError",
    "Storage",
    "TrellisError",
    "Update",
    "UsageError",
    "allow_from",
    "at_least",
    "balanced",
    "between",
    "command",
    "connects_to",
    "default",
    "dynamic_file",
    "exactly",
    "http",
    "initial_file",
    "listens",
    "mounts",
    "one_per_host",
    "one_per_role",
    "required",
    "runs",
    "secret",
    "secret_file",
    "service",
    "site",
    "static_file",
    "static_folder",
    "tcp",
    "template_file",
    "update_from",
    "uses",
]
