"""The tone of a short text, told by a plain lexicon: −1 is angry, 0 plain, +1 kind.

No model and no training: every word's weight is below, and a person can work out any result with a pencil.
"""

from __future__ import annotations

import re

#: weights of single words, 1 to 3
WORDS: dict[str, float] = {
    # kind
    "thanks": 1, "thank": 1, "thankful": 2, "grateful": 2, "appreciate": 2, "appreciated": 2, "kind": 1, "kindly": 0.5,
    "great": 2, "good": 1, "nice": 1.5, "love": 3, "loves": 3, "loved": 2.5, "excellent": 3, "perfect": 2.5, "perfectly": 2.5,
    "happy": 2, "glad": 2, "pleased": 2, "delighted": 3, "awesome": 3, "amazing": 3, "fantastic": 3, "wonderful": 3,
    "brilliant": 3, "superb": 3, "helpful": 2, "helped": 1.5, "helps": 1.5, "easy": 1.5, "easier": 1.5, "smooth": 2,
    "fast": 1.5, "quick": 0.5, "quickly": 1, "works": 1, "solved": 2, "fixed": 1.5, "resolved": 1.5, "saved": 2, "saves": 2,
    "recommend": 2.5, "enjoy": 2, "like": 0.5, "likes": 1, "best": 1, "better": 1, "reliable": 2, "impressed": 2.5,
    "friendly": 2, "welcome": 1, "pleasure": 2, "cheers": 1, "fine": 0.5, "useful": 2, "valuable": 2, "congratulations": 2,
    # angry
    "angry": -3, "furious": -3, "outraged": -3, "unacceptable": -3, "ridiculous": -3, "terrible": -3, "horrible": -3,
    "awful": -3, "useless": -3, "worst": -3, "disgrace": -3, "disgraceful": -3, "disgusted": -3, "appalling": -3, "joke": -2,
    "disappointed": -2, "disappointing": -2, "disappointment": -2, "frustrated": -2.5, "frustrating": -2.5, "frustration": -2.5,
    "annoyed": -2, "annoying": -2, "upset": -2, "unhappy": -2, "dissatisfied": -2, "tired": -1.5, "sick": -1.5, "fed": -1,
    "hate": -3, "bad": -1.5, "badly": -1.5, "poor": -2, "poorly": -2, "broken": -1.5, "broke": -1.5, "fails": -1, "failed": -1,
    "failing": -1.5, "failure": -1.5, "crash": -1.5, "crashes": -1.5, "crashed": -1.5, "unusable": -2.5, "impossible": -1.5,
    "slow": -1, "slower": -1, "late": -1, "delay": -1, "delayed": -1, "waiting": -1, "waited": -1, "ignored": -2.5,
    "ignoring": -2.5, "nobody": -1, "wrong": -1, "error": -0.5, "errors": -0.5, "problem": -0.5, "problems": -1, "issue": -0.5,
    "issues": -0.5, "lost": -1.5, "losing": -1.5, "blocked": -1.5, "stuck": -1.5, "urgent": -1, "urgently": -1,
    "immediately": -1, "complaint": -2, "complain": -2, "complaining": -2, "refund": -1.5, "cancel": -2, "cancelling": -2,
    "canceling": -2, "terminate": -2, "competitor": -1.5, "lawyer": -3, "legal": -1, "waste": -2.5, "wasted": -2.5,
    "embarrassing": -2.5, "embarrassed": -2, "misleading": -2, "lie": -2, "lied": -2.5, "scam": -3, "overpriced": -2,
    "expensive": -1, "confusing": -1, "unreliable": -2.5, "unclear": -1, "worse": -2, "worried": -1, "concerned": -1,
    "escalate": -2, "escalating": -2, "unprofessional": -3, "sloppy": -2, "mess": -2, "outage": -1.5, "down": -0.5, "locked": -1,
    "refuses": -1, "missing": -0.5, "gaps": -0.5, "inexcusable": -3, "shame": -2.5, "shocking": -2.5,
}  # fmt: skip

#: several words that mean something together; they are taken out before single words are read
PHRASES: dict[str, float] = {
    "fed up": -3, "not good enough": -3, "let down": -2, "had enough": -3, "second time": -1.5, "third time": -2.5,
    "once again": -1, "yet again": -2, "still not": -1.5, "still waiting": -2, "no answer": -2, "no reply": -2, "no response": -2,
    "too long": -1.5, "far too": -1, "at once": -1, "last straw": -3, "out of patience": -3, "waste of": -2.5, "well done": 2.5,
    "good job": 2.5, "great job": 3, "thank you": 1.5, "many thanks": 1.5, "best regards": 0.5, "kind regards": 0.5,
    "good morning": 0, "good afternoon": 0, "would like": 0, "no problem": 0.5, "no longer": -1, "leave you": -2.5,
    "looking elsewhere": -2.5, "switch to": -1.5, "gone back to": -1, "keep using": 1.5, "cannot work": -2, "can't work": -2,
}  # fmt: skip

#: they turn what follows within three words about, and weaken it: "not good" is less bad than "bad"
NEGATIONS = frozenset({
    "not", "no", "never", "none", "neither", "nor", "cannot", "can't", "don't", "doesn't", "didn't", "won't", "isn't",
    "aren't", "wasn't", "weren't", "without", "hardly",
})  # fmt: skip
NEGATED = -0.6
#: they make the next word stronger
BOOSTERS: dict[str, float] = {
    "very": 1.5, "really": 1.4, "extremely": 1.8, "so": 1.2, "totally": 1.5, "completely": 1.5, "absolutely": 1.6, "too": 1.3,
    "quite": 1.1, "highly": 1.5, "utterly": 1.8, "still": 1.2,
}  # fmt: skip
#: a word in capitals among others weighs this much more
SHOUTED = 1.5
#: each exclamation mark, up to three, makes the whole stronger by so much
EXCLAIMED = 0.15
#: the sum of weights that is told as ±0.5
HALF = 4.0
_REACH = 3
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_PHRASE = re.compile(
    r"\b(?:" + "|".join(sorted(map(re.escape, PHRASES), key=len, reverse=True)) + r")\b", re.IGNORECASE
)


def tone(text: str) -> float:
    """The tone of a text, −1 to +1; 0 where no word of the lexicon is in it."""
    total = sum(PHRASES[found.group().lower()] for found in _PHRASE.finditer(text))
    words = _WORD.findall(_PHRASE.sub(" ", text))
    # a text that is all in capitals shouts no word more than another
    shouts = any(word.islower() for word in words)
    total += sum(_weight(words, place, shouts) for place in range(len(words)))
    total *= 1 + EXCLAIMED * min(text.count("!"), 3)
    return total / (abs(total) + HALF)


def _weight(words: list[str], place: int, shouts: bool) -> float:
    """What one word adds, with the words before it."""
    word = words[place]
    weight = WORDS.get(word.lower(), 0.0)
    if not weight:
        return 0.0
    if shouts and len(word) > 2 and word.isupper():
        weight *= SHOUTED
    before = [one.lower().replace("’", "'") for one in words[max(0, place - _REACH) : place]]
    if before:
        weight *= BOOSTERS.get(before[-1], 1.0)
    if NEGATIONS.intersection(before):
        weight *= NEGATED
    return weight
