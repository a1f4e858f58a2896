"""Reading YAML of the user's, a file or the head of one, with the line of every key for the error messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from judgebench._util.redaction import redact
from judgebench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class _Loader(yaml.SafeLoader):
    """The safe loader, less dates: `cache_as: 2026-11-01` is text, and everything that is read is plain JSON."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _FastLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The same on libyaml: without it the row "resumed done run" of benchmarks/speed.py takes 8% more."""


_FastLoader.yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers


def _loader(text: str) -> Any:
    # libyaml ends the process on thousands of levels, where the Python reader raises; so it gets what cannot have them.
    levels = sum(text.count(opening) for opening in ("[", "{", "- ", "? "))
    return (_FastLoader if levels < 2_000 and len(text) < 200_000 else _Loader)(text)


class YamlText:
    """YAML that has been read.

    Attributes:
        name: The file that it stands in, as messages give it.
        data: What it holds; None where it is empty.
    """

    def __init__(self, text: str, name: str, *, first_line: int = 1, repeats: bool = False) -> None:
        """Read a text.

        Args:
            text: The YAML.
            name: The file that it stands in.
            first_line: The line of the file on which it begins.
            repeats: Whether a key may stand twice, in which case the last counts.

        Raises:
            ConfigError: It is no YAML, has a key twice, or holds itself.
        """
        self.name = name
        self._first_line = first_line
        self._repeats = repeats
        self._root: yaml.Node | None = None
        self.data: Any = None
        try:
            loader = _loader(text)
            self._root = loader.get_single_node()
            if self._root is not None:
                self._refuse_repeats(self._root, inside=(), done=set())
                self.data = loader.construct_document(self._root)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = None if mark is None else mark.line + first_line
            raise self._error(line, f"not YAML: {error.problem or error.context}") from None
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + first_line
            raise self._error(line, "not YAML: a control character") from None
        except (ValueError, RecursionError):
            # int() refuses thousands of digits, and neither error knows its line.
            raise self._error(None, "not YAML: a number too long, or nested too deep") from None

    def line(self, keys: Sequence[str | int] = ()) -> int:
        """The line, counted from 1, of the key at a path, or of its nearest parent that the file holds."""
        node, mark = self._root, None if self._root is None else self._root.start_mark
        for key in keys:
            found: tuple[yaml.Node, yaml.Node] | None = None
            if isinstance(node, yaml.MappingNode):
                found = next((pair for pair in reversed(node.value) if pair[0].value == str(key)), None)
            elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
                found = (node.value[key], node.value[key])
            if found is None:
                break
            node, mark = found[1], found[0].start_mark
        return self._first_line + (0 if mark is None else mark.line)

    def mistake(self, keys: Sequence[str | int], message: str) -> ConfigError:
        """The error for what is wrong at a path: file, line, path, message; what looks like a key is hidden."""
        where = ".".join(str(key) for key in keys)
        return self._error(self.line(keys), f"{where}{' ' if where else ''}{message}")

    def _error(self, line: int | None, message: str) -> ConfigError:
        what = redact(message)
        place = "" if line is None else f", line {line}"
        return ConfigError(redact(f"{self.name}{place}: {message}"), what=what, where=self.name, line=line)

    def _refuse_repeats(self, node: yaml.Node, *, inside: tuple[int, ...], done: set[int]) -> None:
        if id(node) in inside:
            raise yaml.MarkedYAMLError(problem="an alias inside its own anchor", problem_mark=node.start_mark)
        if id(node) in done:
            return
        done.add(id(node))
        inside = (*inside, id(node))
        if isinstance(node, yaml.MappingNode):
            lines: dict[tuple[str, str], int] = {}
            for key, value in node.value:
                if isinstance(key, yaml.ScalarNode):
                    line = key.start_mark.line + self._first_line
                    if (key.tag, key.value) in lines and not self._repeats:
                        first = lines[key.tag, key.value]
                        message = f"duplicate key '{key.value}', first on line {first}: keep one"
                        raise self._error(line, message)
                    lines[key.tag, key.value] = line
                self._refuse_repeats(value, inside=inside, done=done)
        elif isinstance(node, yaml.SequenceNode):
            for value in node.value:
                self._refuse_repeats(value, inside=inside, done=done)


def yaml_in(path: Path) -> str:
    """The text of a YAML file.

    Raises:
        ConfigError: The file cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"{path}: file not found") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 (byte {error.start}): save the file as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None


class YamlFile(YamlText):
    """A YAML file that has been read.

    Attributes:
        path: Where it is.
    """

    def __init__(self, path: Path) -> None:
        """Read a file.

        Raises:
            ConfigError: The file cannot be read, is no YAML, has a key twice, or holds itself.
        """
        self.path = path
        super().__init__(yaml_in(path), str(path))
