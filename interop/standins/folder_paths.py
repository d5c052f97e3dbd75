"""Host module `folder_paths`: where files are, as module-level names that packs read and change.

`folder_names_and_paths` is the truth here: packs add keys, directories and extensions to it. Directories that they
add become known to our own folders too, so that built-in loaders find the files.
Source: protocol §5.5.
"""

import mimetypes
import os
import time
from pathlib import Path
from typing import Any

from graph_runtime.folders import MODEL_SUFFIXES, Folders, UnsafePath, confine
from interop.host import current as _current

supported_pt_extensions = set(MODEL_SUFFIXES)
filename_list_cache: dict[str, tuple[list[str], dict[str, float], float]] = {}
extension_mimetypes_cache = {"webp": "image", "fbx": "model"}

_folders = _current().folders
_listing = Folders(_folders.data_dir)
_LEGACY = {"unet": "diffusion_models", "clip": "text_encoders"}
_TYPES = ("output", "input", "temp")

base_path = str(_current().project)
models_dir = str(_folders.models_dirs[0])
output_directory = str(_folders.output)
input_directory = str(_folders.input)
temp_directory = str(_folders.temp)
user_directory = str(_folders.user)
folder_names_and_paths: dict[str, tuple[list[str], set[str]]] = {
    key: ([str(path) for path in _folders.model_dirs(key)], set(_folders.suffixes(key))) for key in _folders.keys
}


def map_legacy(folder_name: Any) -> Any:
    """The current key of a folder that had another name once."""
    return _LEGACY.get(folder_name, folder_name)


def get_output_directory() -> Any:
    """Where results are saved."""
    return output_directory


def get_input_directory() -> Any:
    """Where files to work on are."""
    return input_directory


def get_temp_directory() -> Any:
    """Where previews are written; emptied when the server starts."""
    return temp_directory


def get_user_directory() -> Any:
    """Where settings and saved workflows are."""
    return user_directory


def set_output_directory(output_dir: Any) -> None:
    """Change where packs save results; nodes of the engine keep their folder."""
    global output_directory
    output_directory = str(output_dir)


def set_input_directory(input_dir: Any) -> None:
    """Change where packs look for files to work on."""
    global input_directory
    input_directory = str(input_dir)


def set_temp_directory(temp_dir: Any) -> None:
    """Change where packs write previews."""
    global temp_directory
    temp_directory = str(temp_dir)


def set_user_directory(user_dir: Any) -> None:
    """Change where packs keep settings."""
    global user_directory
    user_directory = str(user_dir)


def get_directory_by_type(type_name: Any) -> Any:
    """The folder called "output", "input" or "temp"; None for any other word."""
    return globals()[f"{type_name}_directory"] if type_name in _TYPES else None


def add_model_folder_path(folder_name: Any, full_folder_path: Any, is_default: Any = False) -> None:
    """Read one more directory for a key; an unknown key accepts files of every extension."""
    folder_name, path = map_legacy(folder_name), str(full_folder_path)
    directories, _ = folder_names_and_paths.setdefault(folder_name, ([], set()))
    if path in directories:
        if not is_default:
            return
        directories.remove(path)
    directories.insert(0 if is_default else len(directories), path)
    _folders.add(folder_name, Path(path), is_default)
    filename_list_cache.pop(folder_name, None)


def get_folder_paths(folder_name: Any) -> Any:
    """The directories of a key, as a copy."""
    return list(_entry(folder_name)[0])


def get_filename_list(folder_name: Any) -> Any:
    """File names of a key, relative, sorted, filtered by its extensions.

    Raises:
        KeyError: for an unknown key.
    """
    directories, suffixes = _entry(folder_name)
    found = set()
    for directory in directories:
        found.update(_names_below(os.path.abspath(directory)))
    if map_legacy(folder_name) == "diffusers":
        return list(_folders.names("diffusers"))
    return sorted(filter_files_extensions(found, suffixes))


def get_full_path(folder_name: Any, filename: Any) -> Any:
    """The first file of that name in the directories of a key, or None."""
    if map_legacy(folder_name) not in folder_names_and_paths:
        return None
    inside = os.path.relpath(os.path.join("/", filename), "/")
    for directory in _entry(folder_name)[0]:
        path = os.path.join(directory, inside)
        if os.path.isfile(path):
            return path
    return None


def get_full_path_or_raise(folder_name: Any, filename: Any) -> Any:
    """Like `get_full_path`, but a file that does not exist is an error.

    Raises:
        FileNotFoundError: naming the file, its key and the directories searched.
    """
    path = get_full_path(folder_name, filename)
    if path is None:
        searched = ", ".join(folder_names_and_paths.get(map_legacy(folder_name), ([], set()))[0]) or "no directory"
        raise FileNotFoundError(
            f"Model in folder '{folder_name}' with filename '{filename}' not found (searched {searched}). "
            "Put the file there, or choose another."
        )
    return path


def annotated_filepath(name: Any) -> Any:
    """Split a name that may end in " [output]", " [input]" or " [temp]" into name and folder (None without ending)."""
    for kind in _TYPES:
        if name.endswith(f"[{kind}]"):
            return name[: -len(kind) - 2].rstrip(), get_directory_by_type(kind)
    return name, None


def get_annotated_filepath(name: Any, default_dir: Any = None) -> Any:
    """The path of a name with an optional folder ending; without one, in `default_dir` or the input folder."""
    name, folder = annotated_filepath(name)
    return os.path.join(folder or default_dir or input_directory, name)


def exists_annotated_filepath(name: Any) -> bool:
    """Whether the file of an annotated name exists."""
    return os.path.exists(get_annotated_filepath(name))


def filter_files_extensions(files: Any, extensions: Any) -> Any:
    """The names with one of the extensions, sorted; no extensions means all."""
    return sorted(file for file in files if not extensions or os.path.splitext(file)[-1].lower() in extensions)


def filter_files_content_types(files: Any, content_types: Any) -> Any:
    """The names whose kind, guessed from the extension, is one of "image", "video", "audio" and "model"."""
    return [file for file in files if _content_type(file) in content_types]


def recursive_search(directory: Any, excluded_dir_names: Any = None) -> Any:
    """Every file below a directory, relative, and the modification time of every directory visited."""
    if not os.path.isdir(directory):
        return [], {}
    excluded = set(excluded_dir_names or ())
    names: list[str] = []
    times = {directory: os.path.getmtime(directory)}
    for folder, folders, files in os.walk(directory, followlinks=True):
        folders[:] = [name for name in folders if name not in excluded]
        times.update({os.path.join(folder, name): os.path.getmtime(os.path.join(folder, name)) for name in folders})
        names.extend(os.path.relpath(os.path.join(folder, name), directory) for name in files)
    return names, times


def get_input_subfolders() -> Any:
    """Folders below the input folder, relative with forward slashes, sorted."""
    found: list[str] = []
    for folder, folders, _ in os.walk(input_directory):
        found.extend(os.path.relpath(os.path.join(folder, name), input_directory) for name in folders)
    return sorted(name.replace(os.sep, "/") for name in found)


def get_save_image_path(filename_prefix: Any, output_dir: Any, image_width: Any = 0, image_height: Any = 0) -> Any:
    """Where the next file of a prefix goes.

    Returns:
        (folder, file name without counter, counter, subfolder, prefix); the folder exists afterwards.
    Raises:
        ValueError: if the prefix leads outside `output_dir`.
    """
    prefix = _fill(filename_prefix, image_width, image_height)
    subfolder, name = os.path.dirname(os.path.normpath(prefix)), os.path.basename(os.path.normpath(prefix))
    try:
        folder = str(confine(Path(output_dir), subfolder)) if subfolder else os.path.abspath(output_dir)
    except UnsafePath as error:
        raise ValueError(
            f"Saving outside the folder is not allowed: the prefix {filename_prefix!r}. {error}"
        ) from error
    os.makedirs(folder, exist_ok=True)
    return folder, name, _highest(folder, name) + 1, subfolder, prefix


def _fill(prefix: Any, width: Any, height: Any) -> Any:
    now = time.localtime()
    tokens = {"width": str(width), "height": str(height), "year": str(now.tm_year)}
    tokens |= {"month": f"{now.tm_mon:02}", "day": f"{now.tm_mday:02}", "hour": f"{now.tm_hour:02}"}
    tokens |= {"minute": f"{now.tm_min:02}", "second": f"{now.tm_sec:02}"}
    for token, value in tokens.items():
        prefix = prefix.replace(f"%{token}%", value)
    return prefix


def _highest(folder: Any, name: Any) -> Any:
    """The highest number among files `<name>_<number>_…`; 0 without any."""
    highest = 0
    for file in os.listdir(folder):
        if os.path.normcase(file[: len(name) + 1]) == os.path.normcase(name + "_"):
            number = file[len(name) + 1 :].partition("_")[0].partition(".")[0]
            highest = max(highest, int(number)) if number.isdecimal() else highest
    return highest


def _entry(folder_name: Any) -> Any:
    key = map_legacy(folder_name)
    if key not in folder_names_and_paths:
        raise KeyError(f"There is no model folder {folder_name!r}. Known: {', '.join(folder_names_and_paths)}.")
    entry = folder_names_and_paths[key]
    return list(entry[0]), set(entry[1])


def _names_below(directory: Any) -> Any:
    """All names below a directory; remembered, by our own folders, until a directory below it changes."""
    key = f"pack:{directory}"
    _listing.add(key, Path(directory))
    return _listing.names(key)


def _content_type(file: Any) -> Any:
    extension = file.rpartition(".")[2].lower()
    if extension not in extension_mimetypes_cache:
        guessed = mimetypes.guess_type(file, strict=False)[0]
        extension_mimetypes_cache[extension] = guessed.partition("/")[0] if guessed else ""
    return extension_mimetypes_cache[extension]
