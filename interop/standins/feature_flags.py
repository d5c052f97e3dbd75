"""Host module `comfy_api.feature_flags`: what the server tells clients that it can do."""

from typing import Any

_SERVER = {"supports_preview_metadata": True, "max_upload_size": 104857600}


def get_server_features() -> Any:
    """The features that the server announces."""
    return dict(_SERVER)


def get_connection_feature(sockets_metadata: Any, sid: Any, feature_name: Any, default: Any = False) -> Any:
    """What the client on a socket said about a feature."""
    return sockets_metadata.get(sid, {}).get("feature_flags", {}).get(feature_name, default)


def supports_feature(sockets_metadata: Any, sid: Any, feature_name: Any) -> bool:
    """Whether the client on a socket said that it has a feature."""
    return get_connection_feature(sockets_metadata, sid, feature_name) is True
