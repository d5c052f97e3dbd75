"""Workflows inside pictures, sounds, films and model files.

found = read_media(path.read_bytes())
found.texts["workflow"]        # JSON text as it was stored
document = load(found.workflow_data(), catalogue)
"""

from graph_runtime.documents.media.reader import Embedded, read_media

__all__ = ["Embedded", "read_media"]
