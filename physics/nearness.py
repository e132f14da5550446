"""Which valid name a person meant: near in meaning, never by letters alone.

Names are compared by what their words stand for (`electrograd.physics.field_words`): the side of the
cell and the quantity must agree, then the more words in common the nearer. Letters count only to mend
a misspelt word.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches

from electrograd.physics.field_words import (
    EXCLUSIVE,
    GENERIC,
    NOT_OFFERED,
    PHRASES,
    QUANTITIES,
    READINGS,
    STOP_WORDS,
    SYNONYMS,
)

_ALIKE = 0.8
"""Likeness of letters from which a word counts as misspelt."""
_MISSPELT = 0.88
"""Likeness of letters from which a whole name counts as misspelt."""
_COVERED = 0.6
"""Least share of a name's words, by weight, that a near one has too."""
_SCORE = 0.4
"""Least share of words in common, of both names."""
_VAGUE = 0.2
"""By how much the score of a name may fall short of the best, where one word was received."""
_LIGHT = 0.4
"""Weight of a word that says of what a quantity is; 1 for one that says which."""


def nearest_name(name: str, valid: Iterable[str]) -> str | None:
    """Return the valid name that is nearest in meaning.

    Parameters
    ----------
    name
        What was received.
    valid
        Names to choose from.

    Returns
    -------
    str or None
        The name; up to three, joined by "or", where nothing tells which; None where none is near.
    """
    options = list(dict.fromkeys(map(str, valid)))
    letters = {_letters(option): option for option in options}
    same = letters.get(_letters(str(name)))
    if same and _letters(same):
        return same
    meanings = {option: _words(option, frozenset()) for option in options}
    readings = next((r for asked, r in READINGS if re.fullmatch(asked, _plain(str(name)))), ())
    for reading in (*readings, str(name)):
        found = _nearest(reading, meanings)
        if found:
            return found
    return None


def _nearest(name: str, meanings: dict[str, frozenset[str]]) -> str | None:
    """Return the nearest of names whose words are given."""
    stated = frozenset().union(*meanings.values()) if meanings else frozenset()
    meant = {word for said in SYNONYMS.values() for word in said.split()}
    asked = _words(name, stated | meant | QUANTITIES)
    scores = {option: _score(asked, words) for option, words in meanings.items()}
    best = max(scores.values(), default=0.0)
    if best < _SCORE:
        return _misspelt(name, asked, meanings)
    # One word alone does not tell much: what is about as near may be meant as well.
    slack = _VAGUE if len(asked) == 1 and best < 1 else 1e-9
    near = [option for option, score in scores.items() if score >= best - slack]
    near = [option for option in near if _unit(option) == _unit(name)] or near
    found = list({meanings[option]: option for option in reversed(families(near))}.values())[::-1]
    return " or ".join(found) if len(found) <= 3 else None


def misspelt_name(name: str, valid: Iterable[str]) -> str | None:
    """Return the valid name that ``name`` is a misspelling of, or has another unit than."""
    options = {option: _words(option, frozenset()) for option in valid}
    asked = _words(name, frozenset().union(*options.values()) if options else frozenset())
    if not asked:
        return None
    same = next((option for option, words in options.items() if words == asked), None)
    letters = {o.lower(): o for o, words in options.items() if not _excluded(asked, words)}
    close = get_close_matches(name.lower(), letters, n=1, cutoff=_MISSPELT)
    return same or (letters[close[0]] if close else None)


def not_offered(name: str) -> str | None:
    """Return what to say of a name that asks for something that this framework does not do."""
    words = _plain(name)
    return next((said for asked, said in NOT_OFFERED if re.search(rf"\b({asked})\b", words)), None)


def families(names: Iterable[str]) -> list[str]:
    """Return names without those that differ from an earlier one in a number alone."""
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(re.sub(r"(layer|knot|stage) \d+", r"\1", name), name)
    return list(found.values())


def _letters(name: str) -> str:
    """A name's letters and digits alone."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _unit(name: str) -> str:
    """Letters of the unit in square brackets."""
    return re.sub(r"[^a-zµ%]", "", name.partition("[")[2].lower())


def _plain(name: str) -> str:
    """Lower-case words with single blanks, without the unit; digits are words of their own."""
    text = re.sub(r"\[[^\]]*\]", " ", name)
    text = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", " ", text).lower()
    text = re.sub(r"(?<=[a-z])(?=\d{2,})", " ", text)
    return " ".join(re.sub(r"[^\w]|_", " ", text).split())


def _words(name: str, known: frozenset[str] | set[str]) -> frozenset[str]:
    """What a name's words stand for; those that are not ``known`` are mended where letters allow it."""
    text = _plain(name)
    for phrase, meaning in PHRASES:
        text = re.sub(rf"\b(?:{phrase})\b", meaning, text)
    words: list[str] = []
    for word in text.split():
        words += _meaning(word, known).split()
    return frozenset(word for word in words if len(word) > 1 or word.isdigit()) - STOP_WORDS


def _meaning(word: str, known: frozenset[str] | set[str]) -> str:
    for form in (word, _singular(word)):
        if form in SYNONYMS:
            return SYNONYMS[form]
        if form in STOP_WORDS:
            return form
    form = _singular(word)
    if not known or form in known:
        return form
    if len(form) >= 3:
        begun = {SYNONYMS.get(one, one) for one in known if one.startswith(form)}
        if len(begun) == 1:
            return begun.pop()
    spelt = sorted({*known, *SYNONYMS}) if len(form) >= 4 else []
    mended = next(iter(get_close_matches(form, spelt, n=1, cutoff=_ALIKE)), form)
    return SYNONYMS.get(mended, mended)


def _singular(word: str) -> str:
    plural = len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is"))
    return word[:-1] if plural else word


def _weight(words: Iterable[str]) -> float:
    return sum(_LIGHT if word in GENERIC or word.isdigit() else 1.0 for word in words)


def _excluded(asked: frozenset[str], words: frozenset[str]) -> bool:
    """Whether two names are of different sides, ends or quantities."""
    if (asked - words) & QUANTITIES:
        return True
    return any(asked & group and words & group and not asked & words & group for group in EXCLUSIVE)


def _score(asked: frozenset[str], words: frozenset[str]) -> float:
    """Words in common over words of both, by weight; 0 where the names are not near."""
    if asked and asked == words:
        return 1.0
    common = asked & words
    telling = [word for word in common if word not in GENERIC and not word.isdigit()]
    if not telling or _excluded(asked, words) or _weight(common) < _COVERED * _weight(asked):
        return 0.0
    return 2 * _weight(common) / (_weight(asked) + _weight(words))


def _misspelt(name: str, asked: frozenset[str], meanings: dict[str, frozenset[str]]) -> str | None:
    """Return the name that differs in a few letters, and not in side or quantity."""
    options = {o.lower(): o for o, words in meanings.items() if not _excluded(asked, words)}
    close = get_close_matches(name.lower(), options, n=1, cutoff=_ALIKE)
    if not close and len(name) <= 5:
        close = [option for option in options if _one_slip(name.lower(), option)]
    return options[close[0]] if close else None


def _one_slip(word: str, other: str) -> bool:
    """Whether two short words differ in one letter, or in two that have changed places."""
    if len(word) == len(other):
        apart = [k for k in range(len(word)) if word[k] != other[k]]
        swapped = len(apart) == 2 and sorted(word) == sorted(other) and apart[1] == apart[0] + 1
        return len(apart) == 1 < len(word) - 1 or swapped
    longer, shorter = sorted((word, other), key=len, reverse=True)
    cut = {longer[:k] + longer[k + 1 :] for k in range(len(longer))}
    return len(shorter) > 2 and shorter in cut
