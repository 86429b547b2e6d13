"""Statements that neither sqlglot nor fakesnow can follow, told by their text."""

import re

# Rights, roles and warehouses are names here: what changes them is taken, and changes nothing.
_ADMINISTRATION = re.compile(
    r"\s*(?:(?:GRANT|REVOKE)\s|(?:CREATE|ALTER|DROP)\s+(?:OR\s+REPLACE\s+)?"
    r"(?:ROLE|DATABASE\s+ROLE|WAREHOUSE|USER|NETWORK\s+POLICY|RESOURCE\s+MONITOR)\s"
    # Options of a table that make no difference here; its comment does.
    r"|ALTER\s+(?:TABLE|SCHEMA|DATABASE|VIEW)\s+\S+\s+SET\s+(?!COMMENT\b|TAG\b)\w+\s*=)",
    re.IGNORECASE,
)
_WAIT = re.compile(r"\s*(?:SELECT|CALL)\s+SYSTEM\$WAIT\s*\(\s*(\d+)\s*(?:,\s*'(\w+)'\s*)?\)\s*;?\s*", re.IGNORECASE)
_SET = re.compile(r"\s*ALTER\s+SESSION\s+SET\s+(.*?)\s*;?\s*", re.IGNORECASE | re.DOTALL)
_PARAMETER = re.compile(r"\s*(\w+)\s*=\s*(?:'((?:[^']|'')*)'|([\w.+-]+))\s*,?")
_SHOW = re.compile(r"\s*SHOW\s+PARAMETERS(?:\s+LIKE\s+'([^']*)')?(?:\s+IN\s+SESSION)?\s*;?\s*", re.IGNORECASE)
_REWRITES = [
    (re.compile(r"^\s*START\s+TRANSACTION\b", re.IGNORECASE), "BEGIN"),
    (re.compile(r"^(\s*EXPLAIN)\s+USING\s+\w+", re.IGNORECASE), r"\1"),
    (re.compile(r"^(\s*CREATE\s+(?:OR\s+REPLACE\s+)?SCHEMA\b.*?)\s+WITH\s+MANAGED\s+ACCESS\b", re.IGNORECASE), r"\1"),
    (re.compile(r"^(\s*CREATE\b.*?)\s+DATA_RETENTION_TIME_IN_DAYS\s*=\s*\d+", re.IGNORECASE | re.DOTALL), r"\1"),
]
_UNITS = {"MILLISECONDS": 0.001, "SECONDS": 1, "MINUTES": 60}


def rewritten(text: str) -> str:
    for pattern, instead in _REWRITES:
        text = pattern.sub(instead, text, count=1)
    return text


def changes_nothing(text: str) -> bool:
    return _ADMINISTRATION.match(text) is not None


def wait_secs(text: str) -> float | None:
    """How long SYSTEM$WAIT is to wait."""
    found = _WAIT.fullmatch(text)
    return int(found[1]) * _UNITS.get((found[2] or "SECONDS").upper(), 1) if found else None


def session_parameters(text: str) -> dict[str, str] | None:
    """What ALTER SESSION SET sets; none if it is another statement, or can't be followed."""
    found = _SET.fullmatch(text)
    if not found:
        return None
    set, at = {}, 0
    while at < len(found[1]):
        one = _PARAMETER.match(found[1], at)
        if not one:
            return None
        set[one[1].upper()] = one[3] if one[2] is None else one[2].replace("''", "'")
        at = one.end()
    return set


def shown_parameters(text: str, session, defaults: dict[str, str]) -> dict[str, list] | None:
    """The result of SHOW PARAMETERS."""
    found = _SHOW.fullmatch(text)
    if not found:
        return None
    like = re.escape(found[1] or "%").replace("%", ".*").replace("_", ".")
    values = {**defaults, **{name: str(value) for name, value in session.parameters.items()}}
    names = [name for name in sorted(values) if re.fullmatch(like, name, re.IGNORECASE)]
    return {
        "key": names,
        "value": [_shown(values[name]) for name in names],
        "default": [defaults.get(name, "") for name in names],
        "level": ["SESSION" if name in session.parameters else "" for name in names],
        "description": [""] * len(names),
        "type": ["BOOLEAN" if _shown(values[name]) in ("true", "false") else "STRING" for name in names],
    }


def _shown(value: str) -> str:
    return value.lower() if value.lower() in ("true", "false") else value
