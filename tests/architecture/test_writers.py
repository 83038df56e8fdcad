"""One package writes: `evalkit.files`."""

from __future__ import annotations

import ast
from pathlib import Path

from support.command import ROOT

WRITES = {
    "write_text", "write_bytes", "savez", "savetxt", "mkdir", "makedirs", "mkdtemp", "mkstemp", "rmtree", "rename",
    "copyfile", "copytree", "move", "touch", "hardlink_to", "symlink_to", "unlink", "removedirs",
}  # fmt: skip
"""Methods that write, rename or remove, whatever they are called on."""
ELSEWHERE = {
    "cli/bug_reports.py": "the traceback of a bug, under a new name in the folder for temporary files",
    "cli/gate.py": "appends to the job summary of GitHub, which others append to",
    "distributed/ray_connection.py": "the output of Ray's process, under a new name in that folder",
    "results/folder.py": "removes the page of a report",
    "results/rater_files.py": "removes the grades of raters that a resumed run has no more",
    "retrievers/dense_vectors.py": "appends vectors, and counts what was appended from the size of the file",
}
"""File -> why it does not use the package."""


def writes(node: ast.AST) -> bool:
    """Return whether a node of the syntax tree is a call that changes a file or folder."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute | ast.Name):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
    texts = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    if name == "open":
        return any(set(text) & set("wax+") and set(text) <= set("rwaxbt+") for text in texts)
    if name == "replace":  # of a path; that of a text takes two texts, that of a record takes keywords
        return isinstance(node.func, ast.Attribute) and len(node.args) == 1 and not node.keywords
    return name in WRITES


def test_only_one_package_writes() -> None:
    """What is written elsewhere is neither durable nor safe from links; each exception has its reason."""
    found = {
        path.relative_to(ROOT / "evalkit").as_posix()
        for path in sorted(Path(ROOT / "evalkit").rglob("*.py"))
        if path.parent.name != "files"
        and any(map(writes, ast.walk(ast.parse(path.read_text(encoding="utf-8")))))
    }
    assert found == set(ELSEWHERE)
