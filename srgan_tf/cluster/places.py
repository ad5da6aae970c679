"""Folders of pictures and of results: on a file system that every machine has, or at an fsspec address."""

import contextlib
import os
import pathlib
import secrets
import tempfile

from srgan_tf.errors import UserError, WorkError, first_line, missing_extra
from srgan_tf.files import atomic_write, unfinished_folder
from srgan_tf.images.listing import walk
from srgan_tf.images.pictures import open_image

# Object stores: a file appears when all of it has arrived. Elsewhere it is renamed when it is complete.
_WHOLE = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "oci", "oss", "memory"}
# Pixels in a byte of a picture file whose header is not read: between a PNG (1) and a JPEG (3).
_PIXELS_PER_BYTE = 2
_DECODED_WHEN_OPENED = ".jxl"


def open_folder(address):
    """A `LocalFolder` for a path, a `RemoteFolder` for an address with `://`.

    Raises:
        UserError: fsspec does not support the address, or a package for it is not installed.
    """
    return RemoteFolder(address) if "://" in str(address) else LocalFolder(address)


class LocalFolder:
    """A folder whose path is the same on every machine.

    Args:
        path: the folder; it need not exist.
    """

    def __init__(self, path):
        self._path = pathlib.Path(path)

    def __str__(self):
        return str(self._path)

    def name(self, relative):
        """The path of a file in it, as text."""
        return str(self._path / relative)

    def walk(self, suffixes, *, without=None):
        """Yields (relative folder, {name: size in bytes or None}), folder by folder, both sorted.

        Hidden files and folders are skipped; links to folders are not followed.

        Args:
            suffixes: lower-case suffixes of the files that are listed.
            without: a `LocalFolder` that is skipped, such as that of the results.
        """
        skipped = without.resolved() if isinstance(without, LocalFolder) else None
        for parent, folders, files in walk(self._path):
            here = pathlib.Path(parent)
            folders[:] = sorted(
                name for name in folders if not name.startswith(".") and (here / name).resolve() != skipped
            )
            names = (name for name in sorted(files) if os.path.splitext(name)[1].lower() in suffixes)
            names = {name: None for name in names if name[0] != "." and (here / name).is_file()}
            yield here.relative_to(self._path).as_posix(), names

    def resolved(self):
        """The path without links."""
        return self._path.resolve()

    def names(self, relative):
        """Names in a subfolder; none if it does not exist."""
        try:
            return set(os.listdir(self._path / relative))
        except (FileNotFoundError, NotADirectoryError):
            return set()

    def has(self, relative):
        """Whether there is such a file."""
        return (self._path / relative).exists()

    def pixels(self, relative, size):
        """Pixels of a picture, from its header; 1 if the header cannot be read. `size` is not used."""
        path = self._path / relative
        try:
            if path.suffix.lower() == _DECODED_WHEN_OPENED:
                return _PIXELS_PER_BYTE * path.stat().st_size
            with open_image(path, pillow_limit=False, header_only=True) as (image, _):
                return image.width * image.height
        except (WorkError, OSError):  # whoever upscales the picture reports it
            return 1

    @contextlib.contextmanager
    def reading(self, relative):
        """Yields the path of a file."""
        yield self._path / relative

    @contextlib.contextmanager
    def writing(self, relative):
        """Yields the path of a file that the block writes atomically."""
        yield self._path / relative

    def read_text(self, relative):
        """The text of a small file; None if it does not exist."""
        try:
            return (self._path / relative).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def write_text(self, relative, text):
        """Writes a small file."""
        with atomic_write(self._path / relative) as unfinished:
            unfinished.write_text(text, encoding="utf-8")

    def remove(self, relative):
        """Deletes a file, if it exists."""
        (self._path / relative).unlink(missing_ok=True)


class RemoteFolder:
    """A folder at an address that fsspec supports, such as `s3://bucket/folder`. Files are copied, one at a time.

    Args:
        address: `PROTOCOL://...`. Credentials are those of the environment, as the package of the protocol finds them.

    Raises:
        UserError: fsspec does not support the address, or a package for it is not installed.
    """

    def __init__(self, address):
        try:
            from fsspec.core import url_to_fs
        except ImportError as error:
            raise missing_extra(repr(address), "cluster", error) from error
        try:
            self._files, root = url_to_fs(str(address), use_listings_cache=False)
        except (ValueError, ImportError) as error:
            raise UserError(f"cannot use the address {str(address)!r}: {first_line(error)}") from error
        self._address, self._root = str(address).rstrip("/"), root.rstrip("/")
        names = self._files.protocol  # one or several
        self._is_whole = not _WHOLE.isdisjoint([names] if isinstance(names, str) else names)

    def __str__(self):
        return self._address

    def name(self, relative):
        """The address of a file in it."""
        return f"{self._address}/{relative}"

    def walk(self, suffixes, *, without=None):
        """See `LocalFolder.walk`."""
        skipped = without.path_on(self) if isinstance(without, RemoteFolder) else None
        waiting = ["."]
        while waiting:
            here = waiting.pop()
            files, folders = self._listed(here)
            yield here, {name: files[name] for name in files if os.path.splitext(name)[1].lower() in suffixes}
            below = (name if here == "." else f"{here}/{name}" for name in reversed(folders))
            waiting += (folder for folder in below if self._path(folder) != skipped)

    def _listed(self, relative):
        """({name of a file: bytes}, names of the subfolders) of a subfolder, sorted, without hidden ones.

        Not by fsspec's `walk`, which skips subfolders that cannot be listed.
        """
        files, folders = {}, []
        with self._reported("list", "" if relative == "." else relative):
            try:
                entries = self._files.ls(self._path(relative), detail=True)
            except FileNotFoundError:  # removed since its parent was listed
                entries = []
            for entry in sorted(entries, key=lambda entry: entry["name"]):
                path = entry["name"].rstrip("/")
                name = path.rpartition("/")[2]
                if name[:1] in ("", ".") or path == self._path(relative):  # hidden, or the marker of the folder itself
                    continue
                if entry["type"] == "directory":
                    folders.append(name)
                else:
                    files[name] = entry.get("size")
        return files, folders

    def path_on(self, other):
        """Its path, if it is on the same file system as another folder, else None."""
        return self._root if self._files == other._files else None

    def is_in(self, other):
        """Whether it is another remote folder or lies in it."""
        return isinstance(other, RemoteFolder) and f"{self.path_on(other)}/".startswith(f"{other._root}/")

    def names(self, relative):
        """See `LocalFolder.names`."""
        with self._reported("list", relative):
            try:
                listed = self._files.ls(self._path(relative), detail=False)
            except (FileNotFoundError, NotADirectoryError):
                return set()
        return {path.rstrip("/").rpartition("/")[2] for path in listed}

    def has(self, relative):
        """See `LocalFolder.has`."""
        with self._reported("read", relative):
            return self._files.exists(self._path(relative))

    def pixels(self, relative, size):
        """An estimate of a picture's pixels from its size in bytes: reading its header would be one more request."""
        return max(1, _PIXELS_PER_BYTE * (size or 0))

    @contextlib.contextmanager
    def reading(self, relative):
        """Yields the path of a copy of a file, which is deleted afterwards."""
        with unfinished_folder(tempfile.gettempdir()) as folder:
            copy = folder / pathlib.PurePosixPath(relative).name
            with self._reported("read", relative):
                self._files.get_file(self._path(relative), str(copy))
            yield copy

    @contextlib.contextmanager
    def writing(self, relative):
        """Yields a path; if the block writes a file there, it is copied to its place and deleted afterwards."""
        with unfinished_folder(tempfile.gettempdir()) as folder:
            file = folder / pathlib.PurePosixPath(relative).name
            yield file
            if file.exists():
                with self._reported("write", relative):
                    self._store(file, self._path(relative))

    def _store(self, file, path):
        if self._is_whole:
            self._files.put_file(str(file), path)
            return
        folder = path.rpartition("/")[0]
        unfinished = f"{folder}/.unfinished-{secrets.token_hex(8)}{file.suffix}"
        self._files.makedirs(folder, exist_ok=True)
        try:
            self._files.put_file(str(file), unfinished)
            self._files.mv(unfinished, path)
        except BaseException:
            with contextlib.suppress(Exception):
                self._files.rm_file(unfinished)
            raise

    def read_text(self, relative):
        """See `LocalFolder.read_text`."""
        with self._reported("read", relative):
            try:
                return self._files.cat_file(self._path(relative)).decode("utf-8")
            except FileNotFoundError:
                return None

    def write_text(self, relative, text):
        """See `LocalFolder.write_text`."""
        with self.writing(relative) as file:
            file.write_text(text, encoding="utf-8")

    def remove(self, relative):
        """See `LocalFolder.remove`."""
        if self.has(relative):
            with self._reported("write", relative):
                self._files.rm_file(self._path(relative))

    def _path(self, relative):
        return self._root if relative in ("", ".") else f"{self._root}/{relative}"

    @contextlib.contextmanager
    def _reported(self, verb, relative):
        """Turns the exceptions of the packages behind fsspec, which are many, into a WorkError."""
        try:
            yield
        except (WorkError, MemoryError):
            raise
        except Exception as error:
            missing = "no such file" if isinstance(error, FileNotFoundError) else None
            reason = missing or getattr(error, "strerror", None) or first_line(error)
            raise WorkError(f"cannot {verb} {self.name(relative) if relative else str(self)!r}: {reason}") from error
