"""Write files and folders so that readers find the old content or the new one, never a part of either.

Content is written under a random name next to its destination, made durable with fsync, and renamed. A process that is
killed leaves the destination as it was, and perhaps a hidden entry whose name ends in ``.part``; no command reads such
entries, and they are removed when they are a week old. All functions raise `OSError`; callers say what could not be
written.
"""

from evalkit.files.line_files import append_lines
from evalkit.files.unfinished import is_leftover, make_folder, real_path, remove_folder, sync_folder
from evalkit.files.updated_folders import updating_folder
from evalkit.files.whole_files import create_file, open_to_append, replacing_file, write_file
from evalkit.files.whole_folders import create_folder, replacing_folder, swap_folder

__all__ = [
    "append_lines",
    "create_file",
    "create_folder",
    "is_leftover",
    "make_folder",
    "open_to_append",
    "real_path",
    "remove_folder",
    "replacing_file",
    "replacing_folder",
    "swap_folder",
    "sync_folder",
    "updating_folder",
    "write_file",
]
