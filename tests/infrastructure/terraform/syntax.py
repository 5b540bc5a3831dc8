"""Files as bodies of arguments and blocks, whose expressions are still trees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import hcl2.api
from lark import Token, Tree

Node = Tree[Token]


@dataclass(frozen=True)
class Body:
    arguments: Mapping[str, Node]
    blocks: Sequence[Block]

    def of_kind(self, kind: str) -> Iterator[Block]:
        return (block for block in self.blocks if block.kind == kind)


@dataclass(frozen=True)
class Block:
    kind: str
    labels: Sequence[str]
    body: Body


_KEPT: list[Node] = []
"""The trees, whole, for the reason that `parts` gives."""


@cache
def parse(text: str) -> Body:
    """Each text once: a broken copy of the configuration differs from the original in one file."""
    tree = hcl2.api.parses_to_tree(text)
    _KEPT.append(tree)
    [body] = tree.children
    return _body(body)


_PARTS: dict[int, list[Node]] = {}


def parts(node: Node) -> list[Node]:
    """Return the nodes below this one, without punctuation, white space and comments.

    They are asked for again and again. Every tree is kept for ever, so that a node's id is its own.
    """
    if id(node) not in _PARTS:
        _PARTS[id(node)] = [it for it in node.children if isinstance(it, Tree) and it.data != "new_line_or_comment"]
    return _PARTS[id(node)]


def name_of(node: Node) -> str:
    return str(node.children[0])


def source_of(node: Node) -> str:
    """Return what is written there, without white space between words."""
    return "".join(str(token).strip() for token in node.scan_values(lambda value: isinstance(value, Token)))


def _body(node: Node | Token) -> Body:
    assert isinstance(node, Tree)
    arguments: dict[str, Node] = {}
    blocks = []
    for part in parts(node):
        if part.data == "attribute":
            name, value = parts(part)
            assert name_of(name) not in arguments, f"{name_of(name)} is there twice"
            arguments[name_of(name)] = value
        else:
            *words, body = parts(part)
            kind, *labels = [_word(word) for word in words]
            blocks.append(Block(kind, labels, _body(body)))
    return Body(arguments, blocks)


def _word(node: Node) -> str:
    return source_of(node).strip('"') if node.data == "string" else name_of(node)
