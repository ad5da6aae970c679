"""Parameters that an installed package carries, read without importing it."""

import importlib.util
import pathlib

from srgan_tf.errors import UserError


def installed_file(package, path, *, needed_by, install):
    """The path of a data file inside an installed package.

    The package itself is not imported: those that carry published parameters drag in whole frameworks, or are broken
    on current ones.

    Args:
        package: top-level name.
        path: of the file, below the package's folder.
        needed_by: what asks for it, for the error.
        install: the command that installs it, for the error.

    Raises:
        UserError: it is not there; the message says what to install.
    """
    spec = importlib.util.find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    file = next((file for folder in folders or [] if (file := pathlib.Path(folder) / path).is_file()), None)
    if file is None:
        raise UserError(f"{needed_by} needs parameters that are not installed: {install}")
    return file
