"""Working with texts: joining, cutting, comparing, searching and replacing."""

from __future__ import annotations

import re
from typing import Annotated, NamedTuple, TypeVar

from graph_runtime.api import OPTIONAL, Choice, Context, HeddleError, Range, Text, node

__all__ = [
    "case_converter",
    "regex_extract",
    "regex_match",
    "regex_replace",
    "string_compare",
    "string_concatenate",
    "string_contains",
    "string_length",
    "string_replace",
    "string_substring",
    "string_trim",
]

Lines = Annotated[str, Text(multiline=True)]
_CATEGORY = "utils/string"
Value = TypeVar("Value")


class Contains(NamedTuple):
    """Whether a text was found."""

    contains: bool


class Length(NamedTuple):
    """How long a text is."""

    length: int


class Matches(NamedTuple):
    """Whether a pattern was found."""

    matches: bool


@node("StringConcatenate", title="Concatenate", category=_CATEGORY, device=False)
def string_concatenate(
    *, string_a: Lines, string_b: Lines, delimiter: Annotated[str, Text(multiline=False)] = ""
) -> str:
    """Join two texts.

    Args:
        string_a: the first text.
        string_b: the second text.
        delimiter: what stands between them.
    """
    return delimiter.join((string_a, string_b))


@node("StringSubstring", title="Substring", category=_CATEGORY, device=False)
def string_substring(*, string: Lines, start: int, end: int) -> str:
    """Cut a part out of a text.

    Args:
        string: the text.
        start: the first character, counted from 0; negative numbers count from the end.
        end: the character after the last one; negative numbers count from the end.
    """
    return string[start:end]


@node("StringLength", title="Length", category=_CATEGORY, device=False)
def string_length(*, string: Lines) -> Length:
    """Count the characters of a text.

    Args:
        string: the text.
    """
    return Length(len(string))


@node("CaseConverter", title="Case Converter", category=_CATEGORY, device=False)
def case_converter(
    *, string: Lines, mode: Annotated[str, Choice("UPPERCASE", "lowercase", "Capitalize", "Title Case", form="new")]
) -> str:
    """Change between capital and small letters.

    Args:
        string: the text.
        mode: all capital, all small, the first letter capital, or the first letter of every word.
    """
    convert = {"UPPERCASE": str.upper, "lowercase": str.lower, "Capitalize": str.capitalize, "Title Case": str.title}
    return _chosen(convert, mode)(string)


@node("StringTrim", title="Trim", category=_CATEGORY, device=False)
def string_trim(*, string: Lines, mode: Annotated[str, Choice("Both", "Left", "Right", form="new")]) -> str:
    """Remove blanks and line breaks around a text.

    Args:
        string: the text.
        mode: on which side.
    """
    return _chosen({"Both": str.strip, "Left": str.lstrip, "Right": str.rstrip}, mode)(string)


@node("StringReplace", title="Replace", category=_CATEGORY, device=False)
def string_replace(*, string: Lines, find: Lines, replace: Lines) -> str:
    """Replace every occurrence of a text.

    Args:
        string: where to look.
        find: what to replace.
        replace: what to put in its place.
    """
    return string.replace(find, replace)


@node("StringContains", title="Contains", category=_CATEGORY, device=False)
def string_contains(*, string: Lines, substring: Lines, case_sensitive: bool = True) -> Contains:
    """Tell whether one text contains another.

    Args:
        string: where to look.
        substring: what to look for.
        case_sensitive: whether capital and small letters differ.
    """
    if not case_sensitive:
        string, substring = string.lower(), substring.lower()
    return Contains(substring in string)


@node("StringCompare", title="Compare", category=_CATEGORY, device=False)
def string_compare(
    *,
    string_a: Lines,
    string_b: Lines,
    mode: Annotated[str, Choice("Starts With", "Ends With", "Equal", form="new")],
    case_sensitive: bool = True,
) -> bool:
    """Compare two texts.

    Args:
        string_a: the text to examine.
        string_b: what it should start with, end with or equal.
        mode: which of these.
        case_sensitive: whether capital and small letters differ.
    """
    if not case_sensitive:
        string_a, string_b = string_a.lower(), string_b.lower()
    return _chosen({"Starts With": str.startswith, "Ends With": str.endswith, "Equal": str.__eq__}, mode)(
        string_a, string_b
    )


@node("RegexMatch", title="Regex Match", category=_CATEGORY, device=False)
def regex_match(
    *,
    string: Lines,
    regex_pattern: Lines,
    case_insensitive: bool = True,
    multiline: bool = False,
    dotall: bool = False,
    ctx: Context,
) -> Matches:
    """Tell whether a regular expression is found in a text.

    Args:
        string: where to look.
        regex_pattern: the regular expression; one that is wrong matches nothing, with a warning.
        case_insensitive: treat capital and small letters alike.
        multiline: let ^ and $ match at every line.
        dotall: let . match line breaks.
    """
    pattern = _compiled(regex_pattern, case_insensitive, multiline, dotall, ctx)
    return Matches(pattern is not None and pattern.search(string) is not None)


@node("RegexExtract", title="Regex Extract", category=_CATEGORY, device=False)
def regex_extract(
    *,
    string: Lines,
    regex_pattern: Lines,
    mode: Annotated[str, Choice("First Match", "All Matches", "First Group", "All Groups", form="new")],
    case_insensitive: bool = True,
    multiline: bool = False,
    dotall: bool = False,
    group_index: Annotated[int, Range(0, 100)] = 1,
    ctx: Context,
) -> str:
    """Take out of a text what a regular expression matches; several matches are joined by line breaks.

    Args:
        string: where to look.
        regex_pattern: the regular expression; one that is wrong matches nothing, with a warning.
        mode: the first match or all, whole or one of their groups.
        case_insensitive: treat capital and small letters alike.
        multiline: let ^ and $ match at every line.
        dotall: let . match line breaks.
        group_index: which group, for the modes with groups; 0 is the whole match.
    """
    pattern = _compiled(regex_pattern, case_insensitive, multiline, dotall, ctx)
    if pattern is None:
        return ""
    found = list(pattern.finditer(string))
    if mode in ("First Match", "First Group"):
        found = found[:1]
    if mode == "First Match":
        texts = [match.group(0) for match in found]
    elif mode == "All Matches":
        # As re.findall has it: where the expression has groups, the first group stands for the match.
        texts = [match.group(1 if match.re.groups else 0) for match in found]
    else:
        needed = _chosen({"First Group": group_index, "All Groups": max(group_index, 1)}, mode)
        texts = [match.group(group_index) for match in found if match.re.groups >= needed]
    return "\n".join(text or "" for text in texts)


@node("RegexReplace", title="Regex Replace", category=_CATEGORY, device=False)
def regex_replace(
    *,
    string: Lines,
    regex_pattern: Lines,
    replace: Lines,
    case_insensitive: Annotated[bool, OPTIONAL] = True,
    multiline: Annotated[bool, OPTIONAL] = False,
    dotall: Annotated[bool, OPTIONAL] = False,
    count: Annotated[int, Range(0, 100), OPTIONAL] = 0,
) -> str:
    r"""Replace what a regular expression matches.

    Args:
        string: where to look.
        regex_pattern: the regular expression.
        replace: what to put in its place; \1, \2 stand for the groups.
        case_insensitive: treat capital and small letters alike.
        multiline: let ^ and $ match at every line.
        dotall: let . match line breaks.
        count: at most so many; 0 means all.
    """
    try:
        return re.sub(regex_pattern, replace, string, count=count, flags=_flags(case_insensitive, multiline, dotall))
    except (re.error, IndexError) as error:
        raise HeddleError(
            f"The expression {regex_pattern!r} or its replacement {replace!r} is wrong: {error}.",
            fix="Escape brackets and backslashes that are meant literally with a backslash.",
        ) from error


def _flags(case_insensitive: bool, multiline: bool, dotall: bool) -> int:
    wanted = ((re.IGNORECASE, case_insensitive), (re.MULTILINE, multiline), (re.DOTALL, dotall))
    return sum(int(flag) for flag, on in wanted if on)


def _compiled(
    pattern: str, case_insensitive: bool, multiline: bool, dotall: bool, ctx: Context
) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern, _flags(case_insensitive, multiline, dotall))
    except re.error as error:
        ctx.warn(f"The expression {pattern!r} is wrong and matches nothing: {error}.")
        return None


def _chosen(choices: dict[str, Value], mode: str) -> Value:
    try:
        return choices[mode]
    except KeyError:
        raise HeddleError(f"There is no mode {mode!r}.", fix=f"Choose one of {', '.join(choices)}.") from None
