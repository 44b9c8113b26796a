"""Reading ISO 20022: elements by their names, whatever the namespace says, one entry at a time, attacks refused.

Banks differ in versions, and the elements that matter here are the same in all of them.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import IO, Any

from lxml import etree

STATEMENTS = {"BkToCstmrStmt": "Stmt", "BkToCstmrDbtCdtNtfctn": "Ntfctn"}


def steps(file: IO[bytes], *, start: tuple[str, ...] = (), end: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Begins and ends of the elements of these names: no entities, no network, no depth or size beyond measure."""
    parser: Iterator[tuple[str, Any]] = etree.iterparse(
        file,
        events=("start", "end"),
        tag=tuple(f"{{*}}{tag}" for tag in (*start, *end)),
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    for step, element in parser:
        if name(element) in (start if step == "start" else end):
            yield step, element


def declares_type(root: Any) -> bool:
    """Whether the document declares a type. No bank does: entities are a way of attack."""
    return bool(root.getroottree().docinfo.doctype)


@lru_cache(maxsize=4096)
def _parts(tag: str) -> tuple[str, str]:
    """Namespace and name. Not by etree.QName, which raises ValueError for some that the parser lets in."""
    namespace, _, own = tag.removeprefix("{").rpartition("}")
    return namespace, own


def name(element: Any) -> str:
    """Its name, without the namespace."""
    return _parts(str(element.tag))[1]


def kind(root: Any) -> str:
    """Such as camt.053.001.08."""
    namespace, _ = _parts(str(root.tag))
    first = next(root.iterchildren("{*}*"), None)
    return namespace.rpartition(":")[2] or ("" if first is None else name(first))


@lru_cache(maxsize=4096)
def path(steps_down: str) -> str:
    """A/B/C, for find and findall, whatever the namespaces."""
    return "/".join(f"{{*}}{step}" for step in steps_down.split("/"))


def text(element: Any, steps_down: str) -> str:
    """The text at A/B/C, whatever the namespaces; empty: there is none."""
    return (element.findtext(path(steps_down)) or "").strip()


def is_entry(root: Any, entry: Any) -> bool:
    """Whether it is an entry of a statement, at its place, and not something of that name."""
    statement = entry.getparent()
    return statement is not None and is_statement(root, statement)


def is_statement(root: Any, statement: Any) -> bool:
    """Whether it is a statement or notification, at its place."""
    body = statement.getparent()
    return body is not None and body.getparent() is root and STATEMENTS.get(name(body)) == name(statement)


def forget(entry: Any) -> None:
    """Statements may be large: an entry that was read makes room for the next."""
    entry.clear()
    while (before := entry.getprevious()) is not None and name(before) == "Ntry":
        entry.getparent().remove(before)


def is_booked(entry: Any) -> bool:
    """Whether it is more than announced."""
    return (text(entry, "Sts/Cd") or text(entry, "Sts")) == "BOOK"


def code(*elements: Any) -> str:
    """The bank transaction code's last part, or the bank's own, of the first that has one."""
    for element in elements:
        if found := text(element, "BkTxCd/Domn/Fmly/SubFmlyCd") or text(element, "BkTxCd/Prtry/Cd"):
            return found[:35]
    return ""
